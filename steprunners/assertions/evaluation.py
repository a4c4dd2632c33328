"""Assertions: what must hold for the result of a step, evaluated one by one (contract, section 5).

Nothing here raises because of a result or an assertion. An assertion that cannot be evaluated is a failed outcome with
a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

from steprunners.assertions.json_schema import SchemaProblem
from steprunners.assertions.operators import (
    OPERATORS,
    SEE_AN_EMPTY_LIST,
    Operator,
    Shown,
    operator_problem,
    told_differences,
)
from steprunners.assertions.outcomes import Outcome
from steprunners.assertions.shapes import TooManyPairs
from steprunners.assertions.type_names import with_type
from steprunners.budgets.effort import check
from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.masking.display import show
from steprunners.masking.known_secrets import shorten
from steprunners.references.resolution import holds_reference
from steprunners.values.jsonpath import JsonPath
from steprunners.values.paths import (
    NothingSelected,
    NoValue,
    PathError,
    check_path,
    parse_path,
    read_result,
    selects_one_of_many,
)
from steprunners.values.patterns import PatternError
from steprunners.values.suggestions import did_you_mean


class Absent(Enum):
    """The type of NO_VALUE."""

    NO_VALUE = "no value"


#: The expected value of an assertion that has none; null is a value.
NO_VALUE: Final[Any] = Absent.NO_VALUE

_BY_FOLDED_NAME = {name.lower(): name for name in OPERATORS}


def operator_name(value: object) -> str:
    """Return the operator's name as it is defined; raise ValueError, with the nearest name, where there is none."""
    if not isinstance(value, str):
        raise ValueError("operator must be text")
    name = _BY_FOLDED_NAME.get(value.strip().lower())
    if name is None:
        raise ValueError(f"there is no operator '{shorten(value, 80)}'{did_you_mean(value, OPERATORS)}")
    return name


OperatorName = Annotated[str, BeforeValidator(operator_name), Field(json_schema_extra={"enum": [*OPERATORS]})]


def _json_or_no_value(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    return value if value is NO_VALUE else handler(value)


def _is_no_value(value: object) -> bool:
    return value is NO_VALUE


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


#: A field with a JSON value, or its default NO_VALUE, which is never written.
OptionalJson = Annotated[
    Json,
    WrapValidator(_json_or_no_value),
    Field(exclude_if=_is_no_value, json_schema_extra=_drop_default),
]


class Assertion(BaseModel):
    """One assertion on a step's result."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)

    field: str = Field(max_length=1_000)
    operator: OperatorName
    expected_value: OptionalJson = NO_VALUE
    message: str | None = Field(default=None, max_length=1_000)

    #: The masked fields, where references put secrets into the fields; stored in the instance like a cached property.
    shown: ClassVar[Mapping[str, Json] | None] = None

    def shown_as(self, shown: Json) -> Assertion:
        """Show the assertion by these fields (wire names) from now on; return the assertion itself."""
        self.__dict__["shown"] = shown if isinstance(shown, dict) else None
        return self

    @property
    def shown_field(self) -> str:
        """The field, masked."""
        return self.field if self.shown is None else str(self.shown.get("field", self.field))

    @property
    def shown_expected(self) -> Json:
        """The expected value, masked."""
        expected = self.expected_value if self.has_expected else None
        return expected if self.shown is None else self.shown.get("expectedValue", expected)

    @property
    def shown_message(self) -> str | None:
        """The user's message, masked."""
        return self.message if self.shown is None else cast("str | None", self.shown.get("message"))

    @property
    def has_expected(self) -> bool:
        """Whether there is an expected value; null is one."""
        return self.expected_value is not NO_VALUE

    @cached_property
    def holds_reference(self) -> bool:
        """Whether a reference (or an escaped `$${`) must be resolved in it."""
        return "${" in repr((self.field, self.message, self.expected_value))


def check_assertion(assertion: Assertion) -> str | None:
    """Return what is wrong with the assertion itself, or None. Parts with references are checked when the flow runs."""
    if not holds_reference(assertion.field):
        try:
            check_path(assertion.field)
        except PathError as error:
            return f"field: {error}"
    if assertion.has_expected and _holds_reference(assertion.expected_value):
        return None
    return _problem(assertion)


def _holds_reference(value: Json) -> bool:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str) and holds_reference(each):
            return True
        waiting.extend(each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
    return False


def _problem(assertion: Assertion) -> str | None:
    expected = _expected(assertion)
    problem = operator_problem(assertion.operator, given=assertion.has_expected, expected=expected)
    if problem is None or assertion.shown_expected == expected:
        return problem
    return f"{assertion.operator} cannot use the expected value, which is a secret"


def evaluate_all(
    assertions: Iterable[Assertion], result: Json, shown: Json = None, *, implied: bool = False
) -> list[Outcome]:
    """Return the outcome of every assertion on a step's result, in their order. Raises what `effort` raises.

    `shown` is the result with secrets masked, None where it has none; the outcomes show its values. `implied` is
    whether the step type asks for them, and not the user.
    """
    outcomes = [evaluate(assertion, result, shown) for assertion in assertions]
    return [replace(outcome, implied=True) for outcome in outcomes] if implied else outcomes


def evaluate(assertion: Assertion, result: Json, shown: Json = None) -> Outcome:
    """Return the outcome of one assertion on a step's result; its references are resolved already.

    Raises only what `effort` raises.
    """
    check()
    try:
        actual = read_result(result, assertion.field)
    except NoValue as error:
        if isinstance(error, NothingSelected) and assertion.operator in SEE_AN_EMPTY_LIST:
            return _judge(assertion, result, [], [])
        return _judge_missing(assertion, _reason(assertion, error))
    except PathError as error:
        why = _reason(assertion, error)
        return _outcome(assertion, None, f"{assertion.shown_field} cannot be read: {why}")
    return _judge(assertion, result, actual, actual if shown is None else _seen(shown, assertion.field))


def _judge(assertion: Assertion, result: Json, actual: Json, seen: Json) -> Outcome:
    try:
        failure = _failure(assertion, actual, seen)
    except (SchemaProblem, PatternError, TooManyPairs, RecursionError) as error:
        why = "the values are nested too deeply" if isinstance(error, RecursionError) else str(error)
        failure = f"{assertion.shown_field} cannot be checked: {why}"
    if failure is not None and OPERATORS[assertion.operator].wants_list and not isinstance(actual, list):
        failure += _way_out(assertion, result)
    return _outcome(assertion, seen, failure)


def _way_out(assertion: Assertion, result: Json) -> str:
    """Return what to do where a JSONPath gives one node and the operator may have wanted a list; else nothing."""
    if not selects_one_of_many(result, assertion.field):
        return ""
    return (
        "; the JSONPath selects one node, and one node gives its value and no list: check the value itself (equals), "
        "or count in a filter, such as $[?count(@.items[?@.open == true]) == 1] with the operator exists"
    )


def _reason(assertion: Assertion, error: PathError) -> str:
    """Return what is wrong with the path, unless it contains a secret, which the reason would show."""
    return str(error) if assertion.shown_field == assertion.field else "the path contains a secret"


def _seen(shown: Json, field: str) -> Json:
    try:
        return read_result(shown, field)
    except PathError:  # a JSONPath may ask for what is masked
        return MASK


def _judge_missing(assertion: Assertion, why: str) -> Outcome:
    if assertion.operator == "notExists":
        return _outcome(assertion, None, _problem(assertion))
    told = f"{assertion.shown_field} has no value ({why}), expected {_phrase(assertion)}"
    return _outcome(assertion, None, told)


def _failure(assertion: Assertion, actual: Json, seen: Json) -> str | None:
    problem = _problem(assertion)
    if problem is not None:
        return problem
    operator, expected = OPERATORS[assertion.operator], _expected(assertion)
    return None if operator.test(actual, expected) is True else _told(assertion, operator, actual, seen)


def _told(assertion: Assertion, operator: Operator, actual: Json, seen: Json) -> str:
    expected = Shown(_expected(assertion), assertion.shown_expected)
    places = told_differences(Shown(actual, seen), expected, operator, _root(assertion))
    if places:
        return "; ".join(places)
    found, wanted = operator.types(actual, expected.value) or (None, None)
    length = (
        f" of length {len(actual)}"
        if assertion.operator == "hasLength" and isinstance(actual, (str, list, dict))
        else ""
    )
    return f"{assertion.shown_field} is {with_type(show(seen), found)}{length}, expected {_phrase(assertion, wanted)}"


def _root(assertion: Assertion) -> tuple[str, ...]:
    path = parse_path(assertion.field)
    holds_secret = assertion.shown_field != assertion.field
    return (assertion.shown_field,) if holds_secret or isinstance(path, JsonPath) else path


def _phrase(assertion: Assertion, type_name: str | None = None) -> str:
    shown = with_type(show(assertion.shown_expected), type_name)
    return OPERATORS[assertion.operator].phrase.replace("{}", shown)


def _expected(assertion: Assertion) -> Json:
    return assertion.expected_value if assertion.has_expected else None


def _outcome(assertion: Assertion, seen: Json, failure: str | None) -> Outcome:
    own = assertion.shown_message
    return Outcome(
        field=assertion.shown_field,
        operator=assertion.operator,
        expected_value=assertion.shown_expected,
        actual_value=seen,
        passed=failure is None,
        message=failure if failure is None or not own else f"{own}: {failure}",
    )
