"""References `${…}`: found statically in a step, and resolved against a scope (contract, section 3).

Substitution works on parsed values. A string that is exactly one reference keeps the value's JSON type. A substituted
value is never searched for references. References in keys are replaced by text; two keys must not become the same.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from steprunners.budgets.effort import tick
from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.masking.masker import unused
from steprunners.references.errors import (
    BadArgument,
    CutReference,
    Place,
    ReferenceProblem,
    ReferenceSyntaxError,
    UnresolvedReference,
    UnsafeValue,
)
from steprunners.references.expressions import (
    Call,
    Constant,
    Expression,
    Fact,
    Named,
    Reference,
    StepAttribute,
)
from steprunners.references.grammar import parse
from steprunners.references.quoting import Grammar
from steprunners.references.rendering import render, render_key
from steprunners.references.scope import ABSENT, Evaluator, Scope, StepView

__all__ = [
    "ABSENT",
    "MASK",
    "BadArgument",
    "CutReference",
    "Found",
    "Grammar",
    "GrammarOf",
    "Kind",
    "Place",
    "ReferenceProblem",
    "ReferenceSyntaxError",
    "Resolved",
    "Scope",
    "StepView",
    "UnresolvedReference",
    "UnsafeValue",
    "find_references",
    "holds_reference",
    "resolve",
    "resolve_tracked",
]

MAX_DEPTH = 200
GrammarOf = Callable[[Place, Json], Grammar]


def _plain(_path: Place, _value: Json) -> Grammar:
    return Grammar.PLAIN


# --- statically -----------------------------------------------------------------------------------


class Kind(enum.Enum):
    """What a reference refers to.

    NAME `${x}`, RESULT `${x.body.id}` (a step's result, or inside a variable), STEP `${steps.x.status}`,
    EXECUTION `${execution.id}`, FLOW `${flow.name}`, LOOP `${item}` and `${index}`, FUNCTION `${uuid()}`.
    """

    NAME = "name"
    RESULT = "result"
    STEP = "step"
    EXECUTION = "execution"
    FLOW = "flow"
    LOOP = "loop"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Found:
    """A reference in a value: `path` is the place of its text, `name` the variable, step, fact or function.

    `detail` is the path into the value, or the attribute of the step. `has_default` is also true for an argument of a
    function whose reference has a default.
    """

    path: Place
    text: str
    kind: Kind
    name: str
    detail: str | None = None
    has_default: bool = False


def find_references(value: Json) -> tuple[list[Found], list[ReferenceSyntaxError]]:
    """Return every reference in `value`, also in function arguments, and an error for each text that is not one."""
    found: list[Found] = []
    problems: list[ReferenceSyntaxError] = []
    for path, text in _texts(value, ()):
        try:
            references = [part for part in parse(text) if isinstance(part, Reference)]
        except ReferenceSyntaxError as problem:
            problem.path = path
            problems.append(problem)
        else:
            for reference in references:
                found.extend(_found(reference, path, outer_default=False))
    return found, problems


def holds_reference(text: str) -> bool:
    """Whether the text contains a reference, or something that is meant to be one."""
    return "${" in text.replace("$${", "")


def _texts(value: Json, path: Place) -> Iterator[tuple[Place, str]]:
    waiting: list[tuple[Place, Json]] = [(path, value)]
    while waiting:
        tick()
        at, each = waiting.pop()
        if isinstance(each, str) and "${" in each:
            yield at, each
        elif isinstance(each, dict):
            for key, child in reversed(each.items()):
                waiting.append(((*at, key), child))
                waiting.append(((*at, key), key))
        elif isinstance(each, list):
            waiting.extend(((*at, index), child) for index, child in reversed(list(enumerate(each))))


def _found(reference: Reference, path: Place, *, outer_default: bool) -> Iterator[Found]:
    has_default = outer_default or reference.default is not None
    kind, name, detail = _described(reference.expression)
    yield Found(path, reference.text, kind, name, detail, has_default)
    if isinstance(reference.expression, Call):
        for argument in reference.expression.arguments:
            if not isinstance(argument, Constant):
                yield from _found(argument, path, outer_default=has_default)


def _described(expression: Expression) -> tuple[Kind, str, str | None]:
    match expression:
        case Named(name, path) if name in ("item", "index"):
            return Kind.LOOP, name, path
        case Named(name, path):
            return (Kind.NAME if path is None else Kind.RESULT), name, path
        case StepAttribute(step, attribute):
            return Kind.STEP, step, attribute
        case Fact(source, fact):
            return (Kind.EXECUTION if source == "execution" else Kind.FLOW), fact, None
        case Call(function, _):
            return Kind.FUNCTION, function, None


# --- at run time ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resolved:
    """A value without references, and its masked copy.

    Each reference is read once for both, so `${uuid()}` is the same in both.
    """

    value: Json
    masked: Json


def resolve(value: Json, scope: Scope, grammar_of: GrammarOf = _plain) -> Json:
    """Return `value` with every reference replaced; `grammar_of(place, whole)` names the grammar of a text.

    Values are shared with the scope, not copied. Raises a ReferenceProblem with its place.
    """
    return resolve_tracked(value, scope, grammar_of).value


def resolve_tracked(value: Json, scope: Scope, grammar_of: GrammarOf = _plain) -> Resolved:
    """Return `value` resolved, and its masked copy. Raises as `resolve` does."""
    walker = _Walker(scope, grammar_of, value)
    plain, masked = walker.walk(value, ())
    return Resolved(plain, masked)


class _Walker:
    """Builds a value again with its texts rendered; each method returns the value and its masked copy."""

    def __init__(self, scope: Scope, grammar_of: GrammarOf, whole: Json) -> None:
        self.evaluator = Evaluator(scope)
        self.grammar_of = grammar_of
        self.whole = whole

    def walk(self, value: Json, path: Place) -> tuple[Json, Json]:
        tick()
        if isinstance(value, str):
            return self.text(value, path) if "${" in value else (value, value)
        if not isinstance(value, (dict, list)):
            return value, value
        if len(path) >= MAX_DEPTH:
            raise ReferenceSyntaxError(f"nested more than {MAX_DEPTH} levels deep", path=path)
        return self.object(value, path) if isinstance(value, dict) else self.array(value, path)

    def object(self, value: dict[str, Json], path: Place) -> tuple[Json, Json]:
        plain: dict[str, Json] = {}
        masked: dict[str, Json] = {}
        for key, child in value.items():
            name, shown = self.key(key, (*path, key)) if "${" in key else (key, key)
            if name in plain:
                message = f"the key '{key}' becomes the same as another key here once references are replaced"
                raise UnsafeValue(message, path=(*path, key))
            # A child's grammar depends on where it stands in the end.
            plain[name], masked[unused(shown, masked)] = self.walk(child, (*path, name))
        return plain, masked

    def key(self, key: str, path: Place) -> tuple[str, str]:
        try:
            return render_key(parse(key), self.evaluator)
        except ReferenceProblem as problem:
            problem.path = path
            raise

    def array(self, value: list[Json], path: Place) -> tuple[Json, Json]:
        pairs = [self.walk(child, (*path, index)) for index, child in enumerate(value)]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def text(self, text: str, path: Place) -> tuple[Json, Json]:
        try:
            return render(parse(text), self.evaluator, self.grammar_of(path, self.whole))
        except ReferenceProblem as problem:
            problem.path = path
            raise
