"""The values that references can read: variables, steps, the execution, the flow, and the item of a `forEach`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.masking.known_secrets import KnownSecrets
from steprunners.masking.masker import texts_of
from steprunners.masking.spellings import MIN_LENGTH
from steprunners.references.errors import CutReference, UnresolvedReference
from steprunners.references.expressions import Call, Constant, Fact, Named, Reference, StepAttribute
from steprunners.references.functions import FUNCTIONS, call, text_of
from steprunners.values.paths import NoValue, PathError, is_singular, read_path, read_result
from steprunners.values.suggestions import did_you_mean
from steprunners.values.truncation import touches_cut

#: The item or index outside `forEach`.
ABSENT: Final[Any] = object()


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as references see it; `result` is None until it has one, `duration_ms` is in milliseconds."""

    result: Json = None
    #: The masked result, None where it has nothing to mask.
    shown: Json = None
    status: str | None = None
    duration_ms: int | None = None
    attempts: int | None = None
    error_message: str | None = None
    #: Whether parts of `result` were cut when it was stored.
    truncated: bool = False
    #: The places where it was cut (`truncation.Cut.paths`).
    cut_paths: tuple[str, ...] = ()

    def attribute(self, name: str) -> Json:
        """Return the value of `steps.<step>.<name>`, None where there is none yet."""
        values: dict[str, Json] = {
            "status": self.status,
            "durationMs": self.duration_ms,
            "attempts": self.attempts,
            "error.message": self.error_message,
        }
        return values[name]


@dataclass(frozen=True)
class Scope:
    """Everything that a reference can read; the variables are merged by precedence already."""

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
    #: The masked item, ABSENT where it has nothing to mask.
    shown_item: Any = ABSENT
    #: Every secret text of the execution; None means those of the secret variables.
    known_secrets: KnownSecrets | None = None
    #: More names to suggest when a reference has no value.
    known_names: Iterable[str] = ()

    def names(self) -> list[str]:
        """Return every name that could stand first in a reference."""
        loop = [name for name, value in (("item", self.item), ("index", self.index)) if value is not ABSENT]
        return [*dict.fromkeys([*self.variables, *self.steps, *loop, *self.known_names])]

    @property
    def known(self) -> KnownSecrets:
        """The secret texts; results of functions on secrets are added."""
        return self.known_secrets or self._own_secrets

    @cached_property
    def _own_secrets(self) -> KnownSecrets:
        values = (self.variables[name] for name in self.secrets if name in self.variables)
        return KnownSecrets(text for value in values for text in texts_of(value))


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of a reference, whether it is secret or reveals a secret, and what is then shown instead."""

    value: Json
    secret: bool = False
    shown: Json = MASK


class Evaluator:
    """Reads references from a scope; results of functions on secrets are added to its known secrets."""

    def __init__(self, scope: Scope) -> None:
        """Read from `scope`."""
        self.scope = scope

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
        try:
            value = root if named.path is None else read_path(root, named.path)
        except PathError as error:
            raise _unresolved(text, f"in {named.name}, {error}") from error
        if named.name == "item" and self.scope.shown_item is not ABSENT:
            return _beside(self.scope.shown_item, value, named.path, read_path)
        return Reading(value, secret=named.name in self.scope.secrets)

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
        try:
            value = step.result if named.path is None else read_result(step.result, named.path)
        except PathError as error:
            if step.truncated and isinstance(error, NoValue):
                raise _cut(text, named.name) from error
            raise _unresolved(text, f"in the result of {named.name}, {error}") from error
        return Reading(value) if step.shown is None else _beside(step.shown, value, named.path, read_result)

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
        if len(text) >= MIN_LENGTH:
            self.scope.known.add([text])
        return Reading(value, secret=True)

    def _argument(self, argument: Constant | Reference) -> Reading:
        return Reading(argument.value) if isinstance(argument, Constant) else self.read(argument)

    def _touches_secret(self, reading: Reading) -> bool:
        if reading.secret:
            return True
        # The result of a step may repeat a secret (a token in its body): a function of it must be masked as well.
        return self.scope.known.masker.finds(text_of(reading.value))


def _beside(shown: Json, value: Json, path: str | None, read: Callable[[Json, str], Json]) -> Reading:
    """Return the value, and the value at the same place of `shown`; it is a secret where they differ."""
    try:
        seen = shown if path is None else read(shown, path)
    except PathError:
        seen = MASK
    return Reading(value) if seen == value else Reading(value, secret=True, shown=seen)


def _reads_a_cut(step: StepView, path: str | None) -> bool:
    if path is None or not (path.startswith("$") or is_singular(path)):
        return True
    return touches_cut(path, step.cut_paths)


def _unresolved(text: str, why: str) -> UnresolvedReference:
    return UnresolvedReference(f"{text} has no value: {why}")


def _cut(text: str, step: str) -> CutReference:
    return CutReference(
        f"{text} may read a part that was cut: the result of {step} was too large to be stored whole; "
        "extract the value in that step instead"
    )
