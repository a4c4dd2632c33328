"""The grammar of `${…}`: text is parsed once into literals and references.

    text       = { literal | "$${" | "${" expression [":-" default] "}" }
    expression = name [path] | "steps." step "." attribute | "execution." fact | "flow." fact | function
    function   = name "(" [argument {"," argument}] ")"
    argument   = literal | expression | "${" … "}"

The source is section 3 of the contract, which leaves two things open. Braces that pair up inside a default belong to
it (`${body:-{}}`). And a default is plain text, so a reference inside it is refused and not sent as text.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

from steprunners.budgets.effort import tick
from steprunners.json_types import Json
from steprunners.references.errors import ReferenceSyntaxError
from steprunners.references.expressions import (
    Call,
    Constant,
    Expression,
    Fact,
    Named,
    Part,
    Reference,
    StepAttribute,
)
from steprunners.references.functions import check_call
from steprunners.values.json_text import exact_float
from steprunners.values.paths import PathSyntaxError, check_path
from steprunners.values.suggestions import did_you_mean

STEP_ATTRIBUTES = ("status", "durationMs", "attempts", "error.message")
FACTS = {"execution": ("id", "startedAt"), "flow": ("name", "version")}
MAX_NESTING = 10
MAX_REFERENCES = 1_000
MAX_CACHED_TEXT = 8_192


def parse(text: str) -> tuple[Part, ...]:
    """Return the literals and references of `text`, neighbouring literals joined.

    Raises ReferenceSyntaxError.
    """
    return _parse_cached(text) if len(text) <= MAX_CACHED_TEXT else _parse(text)


def _parse(text: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    literal, position, count = "", 0, 0
    while (start := text.find("${", position)) >= 0:
        if start > position and text[start - 1] == "$":
            literal += text[position : start - 1] + "${"
            position = start + 2
            continue
        tick()
        literal += text[position:start]
        if literal:
            parts.append(literal)
        count += 1
        if count > MAX_REFERENCES:
            raise ReferenceSyntaxError(f"a text has more than {MAX_REFERENCES} references")
        reader = _Reader(text, start)
        parts.append(reader.reference())
        literal, position = "", reader.position
    literal += text[position:]
    return (*parts, literal) if literal else tuple(parts)


_parse_cached = lru_cache(maxsize=4_096)(_parse)

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}(?![A-Za-z0-9_-])")
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?=\()")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![A-Za-z0-9_.])")
_WORD = re.compile(r"(?:true|false|null)(?![A-Za-z0-9_.\[(-])")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
# A path ends where its reference ends: at "}", at ":-", or, in an argument, at "," or ")". Inside brackets and quotes
# none of these ends it (`$.a[?@.b == '}' && count(@.c) > 1]`).
_PATH_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|:-|.", re.DOTALL)
_ATTRIBUTE = re.compile(r"\.([A-Za-z_][A-Za-z0-9_.\[\]]*)")


class _Reader:
    """Reads one reference of a text, from its "${" to its closing brace."""

    def __init__(self, text: str, position: int, depth: int = 0) -> None:
        self.text = text
        self.position = position
        self.depth = depth
        if depth > MAX_NESTING:
            raise ReferenceSyntaxError(f"functions are nested more than {MAX_NESTING} deep")

    def reference(self) -> Reference:
        start = self.position
        self.position += 2
        expression = self.expression()
        default = self.default() if self.text.startswith(":-", self.position) else None
        if not self.text.startswith("}", self.position):
            raise self.error("the reference is not closed by }", start)
        self.position += 1
        return Reference(expression, default, self.text[start : self.position])

    def expression(self) -> Expression:
        self.skip_space()
        expression = self.call() if _FUNCTION.match(self.text, self.position) else self.named()
        self.skip_space()
        return expression

    def call(self) -> Call:
        name = self.take(_FUNCTION, "a function")
        self.position += 1
        arguments: list[Constant | Reference] = []
        self.skip_space()
        while not self.text.startswith(")", self.position):
            arguments.append(self.argument())
            self.skip_space()
            if not self.text.startswith((",", ")"), self.position):
                raise self.error(f"{name}( is not closed by )", self.position)
            self.position += self.text.startswith(",", self.position)
        self.position += 1
        check_call(name, len(arguments))
        return Call(name, tuple(arguments))

    def argument(self) -> Constant | Reference:
        self.skip_space()
        if (quoted := _QUOTED.match(self.text, self.position)) is not None:
            self.position = quoted.end()
            inner = quoted[1] if quoted[1] is not None else quoted[2]
            return Constant(re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL))
        for pattern in (_NUMBER, _WORD):
            if (literal := pattern.match(self.text, self.position)) is not None:
                self.position = literal.end()
                return Constant(self.constant(literal[0]))
        return self.nested()

    def constant(self, text: str) -> Json:
        try:
            value: Json = json.loads(text, parse_float=exact_float)
        except ValueError as error:  # an integer of more digits than Python reads
            raise self.error("a number is too long", self.position) from error
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            raise self.error("a number is too large", self.position)
        return value

    def nested(self) -> Reference:
        reader = _Reader(self.text, self.position, self.depth + 1)
        if self.text.startswith("${", self.position):
            reference = reader.reference()
        else:
            expression = reader.expression()
            reference = Reference(expression, None, self.text[self.position : reader.position].strip())
        self.position = reader.position
        return reference

    def named(self) -> Expression:
        name = self.take(_NAME, "a name")
        if name == "steps":
            return self.step_attribute()
        if name in FACTS:
            return Fact(name, self.attribute(name, FACTS[name]))
        return Named(name, self.path())

    def step_attribute(self) -> StepAttribute:
        if not self.text.startswith(".", self.position):
            raise self.error("write steps.<step>.status", self.position)
        self.position += 1
        step = self.take(_NAME, "a step's name")
        return StepAttribute(step, self.attribute(f"steps.{step}", STEP_ATTRIBUTES))

    def attribute(self, owner: str, known: tuple[str, ...]) -> str:
        match = _ATTRIBUTE.match(self.text, self.position)
        found = match[1] if match else ""
        if match is None or found not in known:
            result = (
                f"; its result is ${{{owner.removeprefix('steps.')}.…}}" if owner.startswith("steps.") else ""
            )
            raise self.error(
                f"{owner} has {', '.join(known)}{did_you_mean(found, known) or result}", self.position
            )
        self.position = match.end()
        return found

    def path(self) -> str | None:
        start = self.position
        if not self.text.startswith((".", "["), start):
            return None
        self.skip_path()
        path = self.text[start : self.position].removeprefix(".").rstrip()
        if "${" in path:
            raise self.error("a path cannot hold a reference here (in field and extract it can)", start)
        try:
            check_path(path)
        except PathSyntaxError as error:
            raise ReferenceSyntaxError(str(error)) from error
        return path

    def skip_path(self) -> None:
        depth = 0
        for token in _PATH_TOKEN.finditer(self.text, self.position):
            self.position = token.start()
            if depth == 0 and token[0] in ("}", ":-", ",", ")"):
                return
            depth += (token[0] in "[(") - (token[0] in "])")
        self.position = len(self.text)

    def default(self) -> str:
        start = self.position + 2
        end = self.balanced_end(start)
        if end < 0:
            end = self.text.find("}", start)
        if end < 0:
            raise self.error("the default is not closed by }", start)
        default = self.text[start:end]
        if "${" in default:
            raise self.error("a default is plain text: it cannot contain a reference", start)
        self.position = end
        return default

    def balanced_end(self, start: int) -> int:
        """Return where braces that pair up end, or -1. It stops at a "${", so that a long text is read only once."""
        depth = 0
        for token in re.compile(r"\$\{|[{}]").finditer(self.text, start):
            if token[0] == "${":
                return -1
            if token[0] == "}" and depth == 0:
                return token.start()
            depth += 1 if token[0] == "{" else -1
        return -1

    def take(self, pattern: re.Pattern[str], what: str) -> str:
        match = pattern.match(self.text, self.position)
        if match is None:
            raise self.error(f"{what} was expected", self.position)
        self.position = match.end()
        return match[0]

    def skip_space(self) -> None:
        match = _SPACE.match(self.text, self.position)
        self.position = match.end() if match else self.position

    def error(self, message: str, at: int) -> ReferenceSyntaxError:
        shown = self.text[at : at + 40]
        return ReferenceSyntaxError(f"{message} at '{shown}'" if shown else f"{message}, but the text ends")
