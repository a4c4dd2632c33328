"""What references can read: variables, steps, the execution, the flow, and inside `forEach` the item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from steprunners.expressions import Call, Constant, Fact, Named, Reference, StepAttribute
from steprunners.functions import FUNCTIONS, call, text_of
from steprunners.json_types import Json
from steprunners.paths import NoValue, PathError, is_singular, read_path, read_result
from steprunners.reference_problems import CutReference, UnresolvedReference
from steprunners.suggestions import did_you_mean
from steprunners.truncation import touches_cut

MASK = "••••••"
#: Shorter secrets are masked only where they were put in (contract, section 9).
MIN_SECRET = 6
#: The item or index outside `forEach`.
ABSENT: Final[Any] = object()


@dataclass(frozen=True, slots=True)
class StepView:
    """What references see of a step; `result` is None until it has one, `duration_ms` is in milliseconds."""

    result: Json = None
    status: str | None = None
    duration_ms: int | None = None
    attempts: int | None = None
    error_message: str | None = None
    #: Whether parts of `result` were cut when it was stored.
    truncated: bool = False
    #: Where it was cut, in path syntax (`truncation.Cut.paths`).
    cut_paths: tuple[str, ...] = ()

    def attribute(self, name: str) -> Json:
        """Return what `steps.<step>.<name>` reads, None where there is nothing yet."""
        values: dict[str, Json] = {
            "status": self.status,
            "durationMs": self.duration_ms,
            "attempts": self.attempts,
            "error.message": self.error_message,
        }
        return values[name]


@dataclass(frozen=True)
class Scope:
    """All that a reference can read, its variables already merged by precedence."""

    variables: Mapping[str, Json] = field(default_factory=dict)
    #: The names in `variables` whose values are secret.
    secrets: frozenset[str] = frozenset()
    steps: Mapping[str, StepView] = field(default_factory=dict)
    #: `id` and `startedAt` (ms since the epoch).
    execution: Mapping[str, Json] = field(default_factory=dict)
    #: `name` and `version`.
    flow: Mapping[str, Json] = field(default_factory=dict)
    item: Any = ABSENT
    index: Any = ABSENT
    #: True makes the values of secret variables read as the mask.
    hidden: bool = False
    #: More names to suggest when a reference has no value.
    known_names: Iterable[str] = ()

    def masked(self) -> Scope:
        """Return the twin in which secret variables read as the mask."""
        return replace(self, hidden=True)

    def names(self) -> list[str]:
        """Return every name that could stand first in a reference."""
        loop = [name for name, value in (("item", self.item), ("index", self.index)) if value is not ABSENT]
        return [*dict.fromkeys([*self.variables, *self.steps, *loop, *self.known_names])]

    @cached_property
    def secret_texts(self) -> frozenset[str]:
        """The secret values as text, those of six characters or more."""
        values = (self.variables[name] for name in self.secrets if name in self.variables)
        return frozenset(text for value in values for text in _leaves(value) if len(text) >= MIN_SECRET)


def _leaves(value: Json) -> Iterable[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
        else:
            yield text_of(each)


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of a reference, and whether it is secret or gives a secret away."""

    value: Json
    secret: bool = False


class Evaluator:
    """Reads references from a scope; `derived` collects the texts that functions made of secrets."""

    def __init__(self, scope: Scope) -> None:
        """Read from `scope`."""
        self.scope = scope
        self.derived: set[str] = set()

    def read(self, reference: Reference) -> Reading:
        """Return the reference's value, or its default where it has none.

        Raises UnresolvedReference, CutReference, BadArgument or UnsafeValue.
        """
        try:
            return self._evaluate(reference)
        except UnresolvedReference:
            if reference.default is None:
                raise
            return Reading(reference.default)

    def _evaluate(self, reference: Reference) -> Reading:
        expression = reference.expression
        match expression:
            case Named():
                return self._named(expression, reference.text)
            case StepAttribute():
                return self._step_attribute(expression, reference.text)
            case Fact():
                return self._fact(expression, reference.text)
            case Call():
                return self._call(expression)

    def _named(self, named: Named, text: str) -> Reading:
        root = self._root(named.name, text)
        if isinstance(root, StepView):
            return self._result(root, named, text)
        secret = named.name in self.scope.secrets
        if named.path is None:
            return Reading(root, secret)
        try:
            return Reading(read_path(root, named.path), secret)
        except PathError as error:
            raise _unresolved(text, f"in {named.name}, {error}") from error

    def _root(self, name: str, text: str) -> Any:
        scope = self.scope
        if name in ("item", "index"):
            value = scope.item if name == "item" else scope.index
            if value is ABSENT:
                raise _unresolved(text, f"{name} exists only inside forEach")
            return value
        if name in scope.variables:
            return scope.variables[name]
        if name in scope.steps:
            return scope.steps[name]
        raise _unresolved(text, f"nothing is called {name}{did_you_mean(name, scope.names())}")

    def _result(self, step: StepView, named: Named, text: str) -> Reading:
        if step.result is None:
            status = f" (it is {step.status})" if step.status else ""
            raise _unresolved(text, f"step {named.name} has no result{status}")
        if step.truncated and _reads_a_cut(step, named.path):
            raise _cut(text, named.name)
        if named.path is None:
            return Reading(step.result)
        try:
            return Reading(read_result(step.result, named.path))
        except PathError as error:
            if step.truncated and isinstance(error, NoValue):
                raise _cut(text, named.name) from error
            raise _unresolved(text, f"in the result of {named.name}, {error}") from error

    def _step_attribute(self, expression: StepAttribute, text: str) -> Reading:
        step = self.scope.steps.get(expression.step)
        if step is None:
            raise _unresolved(
                text, f"no step is called {expression.step}{did_you_mean(expression.step, self.scope.steps)}"
            )
        value = step.attribute(expression.attribute)
        if value is None:
            raise _unresolved(text, f"step {expression.step} has no {expression.attribute}")
        return Reading(value)

    def _fact(self, expression: Fact, text: str) -> Reading:
        facts = self.scope.execution if expression.source == "execution" else self.scope.flow
        if facts.get(expression.name) is None:
            raise _unresolved(text, f"the {expression.source} has no {expression.name} here")
        return Reading(facts[expression.name])

    def _call(self, expression: Call) -> Reading:
        readings = [self._argument(argument) for argument in expression.arguments]
        value = call(expression.function, [reading.value for reading in readings])
        if not FUNCTIONS[expression.function].reveals or not any(map(self._touches_secret, readings)):
            return Reading(value)
        text = text_of(value)
        if len(text) >= MIN_SECRET:
            self.derived.add(text)
        return Reading(value, secret=True)

    def _argument(self, argument: Constant | Reference) -> Reading:
        return Reading(argument.value) if isinstance(argument, Constant) else self.read(argument)

    def _touches_secret(self, reading: Reading) -> bool:
        if reading.secret:
            return True
        # A step's answer may repeat a secret (a token in its body): what is made of it must be masked as well.
        texts = self.scope.secret_texts
        if not texts:
            return False
        text = text_of(reading.value)
        return any(secret in text for secret in texts)


def _reads_a_cut(step: StepView, path: str | None) -> bool:
    if path is None or not is_singular(path):
        return True
    # A JSONPath that names one place is asked like a path of segments.
    return touches_cut(path.removeprefix("$").removeprefix("."), step.cut_paths)


def _unresolved(text: str, why: str) -> UnresolvedReference:
    return UnresolvedReference(f"{text} has no value: {why}")


def _cut(text: str, step: str) -> CutReference:
    return CutReference(
        f"{text} may read what was cut: the result of {step} was too large to be stored whole; "
        "extract the value in that step instead"
    )
