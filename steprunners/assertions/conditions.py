"""Conditions: `{left, operator, right}`, `{all: […]}`, `{any: […]}`, `{not: …}` (contract, section 5).

`all` and `any` stop at the first member that decides. So `{all: [{left: x, operator: exists}, …]}` guards the members
after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
)

from steprunners.assertions.evaluation import NO_VALUE, OptionalJson, operator_name
from steprunners.assertions.json_schema import SchemaProblem
from steprunners.assertions.operators import OPERATORS, SEE_AN_EMPTY_LIST, operator_problem
from steprunners.assertions.shapes import TooManyPairs
from steprunners.budgets.effort import check, tick
from steprunners.json_types import Json
from steprunners.masking.display import show
from steprunners.references.grammar import parse
from steprunners.references.resolution import Scope, UnresolvedReference, holds_reference, resolve
from steprunners.values.paths import NothingSelected
from steprunners.values.patterns import PatternError

MAX_NESTING = 20

#: Other names of operators, in conditions only.
OTHER_NAMES = {
    "==": "equals",
    "eq": "equals",
    "!=": "notEquals",
    "ne": "notEquals",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
}


class ConditionError(Exception):
    """The condition is not valid, or cannot be evaluated: `message` says why, `path` where."""

    def __init__(self, message: str, *, path: tuple[str | int, ...] = ()) -> None:
        """Keep both for the tester."""
        super().__init__(message)
        self.message = message
        self.path = path


def _condition_operator(value: object) -> str:
    return operator_name(OTHER_NAMES.get(value.strip().lower(), value) if isinstance(value, str) else value)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Comparison(_Part):
    """`{left, operator, right}`; both sides may hold references."""

    left: Json
    operator: Annotated[
        str,
        BeforeValidator(_condition_operator),
        Field(json_schema_extra={"enum": [*OPERATORS, *OTHER_NAMES]}),
    ]
    right: OptionalJson = NO_VALUE


class AllOf(_Part):
    """Holds where every member holds."""

    all: list[Condition] = Field(min_length=1, max_length=100)


class AnyOf(_Part):
    """Holds where one member holds."""

    any: list[Condition] = Field(min_length=1, max_length=100)


class Not(_Part):
    """Holds where its member does not."""

    not_: Condition = Field(alias="not")


def _kind(value: Any) -> Literal["comparison", "all", "any", "not"]:
    for name, model in (("all", AllOf), ("any", AnyOf), ("not", Not)):
        if isinstance(value, model) or (
            isinstance(value, dict) and name in value and "operator" not in value
        ):
            return name  # type: ignore[return-value]  # the names above are those of the Literal
    return "comparison"


def _not_too_deep(value: Any) -> Any:
    if any(depth > MAX_NESTING for depth in _depths(value)):
        raise ValueError(f"conditions are nested more than {MAX_NESTING} deep")
    return value


def _depths(value: Any) -> Iterator[int]:
    waiting = [(value, 1)]
    while waiting:
        each, depth = waiting.pop()
        yield depth
        if depth > MAX_NESTING or not isinstance(each, dict) or "operator" in each:
            continue
        for name in ("all", "any"):
            members = each.get(name)
            waiting.extend((member, depth + 1) for member in members) if isinstance(members, list) else None
        if "not" in each:
            waiting.append((each["not"], depth + 1))


Condition = Annotated[
    Annotated[Comparison, Tag("comparison")]
    | Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")],
    Discriminator(_kind),
]
#: A condition as a field of a model: the nesting is checked before anything else.
CheckedCondition = Annotated[Condition, BeforeValidator(_not_too_deep)]

for _model in (AllOf, AnyOf, Not):
    _model.model_rebuild()
_ADAPTER: TypeAdapter[Comparison | AllOf | AnyOf | Not] = TypeAdapter(CheckedCondition)


def parse_condition(value: Json) -> Comparison | AllOf | AnyOf | Not:
    """Return the condition that `value` describes; raise ConditionError, with its place, where it is not valid."""
    if not isinstance(value, dict):
        raise ConditionError(
            "a condition must be {left, operator, right}, {all: […]}, {any: […]} or {not: …}"
        )
    try:
        condition = _ADAPTER.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ConditionError(first["msg"].removeprefix("Value error, "), path=_place(first["loc"])) from error
    return condition


def _place(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return pydantic's location without the tags that say which kind of condition a place holds."""
    place: list[str | int] = []
    tag_comes = True
    for key in location:
        if not tag_comes or isinstance(key, int):
            place.append(key)
        tag_comes = (not tag_comes and key == "not") or isinstance(key, int)
    return tuple(place)


def check_condition(value: Json) -> None:
    """Raise ConditionError where `value` is not a condition, or an operator cannot use its `right`.

    A `right` with references is checked when the flow runs.
    """
    for comparison in comparisons(parse_condition(value)):
        tick()
        given = comparison.right is not NO_VALUE
        if given and holds_reference(show(comparison.right, 10_000)):
            continue
        problem = operator_problem(
            comparison.operator, given=given, expected=comparison.right if given else None
        )
        if problem:
            raise ConditionError(problem)


def comparisons(condition: Comparison | AllOf | AnyOf | Not) -> Iterator[Comparison]:
    """Yield the comparisons of a condition, in document order."""
    match condition:
        case Comparison():
            yield condition
        case AllOf(all=members) | AnyOf(any=members):
            for member in members:
                yield from comparisons(member)
        case Not(not_=member):
            yield from comparisons(member)


def evaluate_condition(condition: Json | Comparison | AllOf | AnyOf | Not, scope: Scope) -> bool:
    """Whether the condition holds.

    On the left a reference without a value counts as missing: `exists` is false, `notExists` true, any other
    operator raises ConditionError. Raises a ReferenceProblem for the right side, and for wrong references.
    """
    if not isinstance(condition, BaseModel):
        condition = parse_condition(condition)
    try:
        return _holds(condition, scope) is True
    except (SchemaProblem, PatternError, TooManyPairs, RecursionError) as error:
        why = "the values are nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ConditionError(f"the condition cannot be evaluated: {why}") from error


def _holds(condition: Comparison | AllOf | AnyOf | Not, scope: Scope) -> bool | None:
    """Whether the condition holds; None where types that do not fit leave that open, which `not` does not change."""
    match condition:
        case AllOf(all=members):
            return _first_or_open(members, scope, decides=False)
        case AnyOf(any=members):
            return _first_or_open(members, scope, decides=True)
        case Not(not_=member):
            held = _holds(member, scope)
            return None if held is None else not held
        case Comparison():
            return _compare(condition, scope)


def _first_or_open(members: list[Condition], scope: Scope, *, decides: bool) -> bool | None:
    """Return `decides` with the first member that gives it, else its opposite, or None where a member is open."""
    is_open = False
    for member in members:
        held = _holds(member, scope)
        if held is decides:
            return decides
        is_open = is_open or held is None
    return None if is_open else not decides


def _compare(comparison: Comparison, scope: Scope) -> bool | None:
    check()
    try:
        left = resolve(comparison.left, scope)
    except UnresolvedReference as problem:
        if comparison.operator in ("exists", "notExists"):
            return comparison.operator == "notExists"
        if comparison.operator not in SEE_AN_EMPTY_LIST or not _selects_nothing(comparison.left, problem):
            raise ConditionError(
                f"{problem.message} (operator {comparison.operator})", path=("left",)
            ) from problem
        left = []
    given = comparison.right is not NO_VALUE
    right = resolve(comparison.right, scope) if given else None
    problem_found = operator_problem(comparison.operator, given=given, expected=right)
    if problem_found is not None:
        raise ConditionError(problem_found, path=("right",))
    return OPERATORS[comparison.operator].test(left, right)


def _selects_nothing(left: Json, problem: UnresolvedReference) -> bool:
    """Whether the left side is one JSONPath that could select several nodes and selects none: an empty list."""
    return isinstance(problem.__cause__, NothingSelected) and isinstance(left, str) and len(parse(left)) == 1
