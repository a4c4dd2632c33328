"""Writes the values of references into the text around them, by its grammar: once unchanged and once masked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from steprunners.json_types import Json
from steprunners.references import url_quoting
from steprunners.references.errors import ReferenceProblem, UnsafeValue
from steprunners.references.expressions import Part, Reference
from steprunners.references.functions import text_of
from steprunners.references.quoting import (
    Grammar,
    header_text,
    jsonpath_text,
    label_text,
    no_reference_in_query,
    regex_text,
)
from steprunners.references.scope import Evaluator, Reading

MAX_TEXT = 32 * 1024 * 1024
MAX_URL = 64 * 1024
# For each value in a query all text before it is read again.
MAX_QUERY = 10_000

_WHOLE_IS_RAW = (Grammar.JSONPATH, Grammar.LABEL, Grammar.REGEX)

#: A literal and None, or a reference and its value.
_Piece = tuple[str, None] | tuple[Reference, Reading]


def render(parts: Sequence[Part], evaluator: Evaluator, grammar: Grammar) -> tuple[Json, Json]:
    """Return the parts as one value, and its masked copy. Raises a ReferenceProblem."""
    pieces = _read(parts, evaluator, grammar)
    if len(pieces) == 1 and (reading := pieces[0][1]) is not None:
        if grammar is Grammar.PLAIN:
            return reading.value, _masked(reading, reading.value)
        if grammar in _WHOLE_IS_RAW:
            text = text_of(reading.value)
            return text, _masked_text(reading, text)
    return _WRITERS.get(grammar, _Writer)().write(pieces)


def render_key(parts: Sequence[Part], evaluator: Evaluator) -> tuple[str, str]:
    """Return the parts as the key of an object, and its masked copy. Raises a ReferenceProblem."""
    pieces = _read(parts, evaluator, Grammar.PLAIN)
    for part, reading in pieces:
        if reading is not None and (reading.value is None or isinstance(reading.value, dict | list)):
            text = part.text if isinstance(part, Reference) else part
            raise UnsafeValue(
                f"{text}: a key must be text, a number or a boolean, not null, a list or an object"
            )
    return _Writer().write(pieces)


def _read(parts: Sequence[Part], evaluator: Evaluator, grammar: Grammar) -> list[_Piece]:
    pieces: list[_Piece] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append((part, None))
            continue
        if grammar is Grammar.SQL:
            raise UnsafeValue(no_reference_in_query(part.text))
        pieces.append((part, evaluator.read(part)))
    return pieces


def _masked(reading: Reading, written: Json) -> Json:
    return reading.shown if reading.secret else written


def _masked_text(reading: Reading, written: str) -> str:
    return text_of(reading.shown) if reading.secret else written


class _Writer:
    """Writes a text piece by piece, together with its masked copy."""

    max_length = MAX_TEXT

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.masks: list[str] = []
        self.length = 0

    def write(self, pieces: Sequence[_Piece]) -> tuple[str, str]:
        for index, (part, reading) in enumerate(pieces):
            if reading is None or isinstance(part, str):
                self.literal(str(part))
                continue
            try:
                self.value(reading, pieces[index + 1 :])
            except ReferenceProblem as problem:
                # The message names the reference but not its value, which may be a secret.
                problem.message = f"{part.text}: {problem.message}"
                raise
        return "".join(self.texts), "".join(self.masks)

    def literal(self, text: str) -> None:
        self.put(text, text)

    def value(self, reading: Reading, _following: Sequence[_Piece]) -> None:
        written = self.quoted(reading.value)
        self.put(written, _masked_text(reading, written))

    def quoted(self, value: Json) -> str:
        return text_of(value)

    def put(self, written: str, masked: str) -> None:
        self.length += len(written)
        if self.length > self.max_length:
            raise UnsafeValue(f"the text would be longer than {self.max_length} characters")
        self.texts.append(written)
        self.masks.append(masked)


class _HeaderWriter(_Writer):
    def quoted(self, value: Json) -> str:
        return header_text(value)


class _RegexWriter(_Writer):
    def quoted(self, value: Json) -> str:
        return regex_text(value)


class _QueryWriter(_Writer):
    """Writes a query; the text before a value decides how it is quoted."""

    max_length = MAX_QUERY

    def __init__(self, quote: Callable[[Json, str], str]) -> None:
        super().__init__()
        self.quote = quote

    def quoted(self, value: Json) -> str:
        return self.quote(value, "".join(self.texts))


class _UrlWriter(_Writer):
    """Writes a URL, and a sample of it with a harmless digit for each value; compares the structure of both."""

    max_length = MAX_URL

    def __init__(self) -> None:
        super().__init__()
        self.sample = ""
        self.encoded: list[tuple[int, int]] = []
        self.authority_touched = False

    def write(self, pieces: Sequence[_Piece]) -> tuple[str, str]:
        text, masked = super().write(_apart(pieces))
        url_quoting.check(
            text, sample=self.sample, encoded=self.encoded, authority_touched=self.authority_touched
        )
        return text, masked

    def literal(self, text: str) -> None:
        super().literal(text)
        self.sample += text

    def value(self, reading: Reading, following: Sequence[_Piece]) -> None:
        before = "".join(self.texts)
        after = "".join(part for part, _ in following if isinstance(part, str))
        if self.texts:
            sample, written = "1", url_quoting.place(reading.value, before=before, after=after)
            self.encoded.append((len(before), len(before) + len(written)))
        else:
            sample = written = url_quoting.raw_start(reading.value)
        self.authority_touched |= not self.texts or url_quoting.in_authority(before)
        self.sample += sample
        self.put(written, _masked_text(reading, written))


def _apart(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Return the pieces with no `%` that would become an escape together with the value after it."""
    apart = list(pieces)
    for index, (part, _) in enumerate(apart[:-1]):
        if isinstance(part, str):
            apart[index] = (url_quoting.mended_end(part), None)
    return apart


_WRITERS: dict[Grammar, Callable[[], _Writer]] = {
    Grammar.URL: _UrlWriter,
    Grammar.HEADER: _HeaderWriter,
    Grammar.JSONPATH: lambda: _QueryWriter(jsonpath_text),
    Grammar.LABEL: lambda: _QueryWriter(label_text),
    Grammar.REGEX: _RegexWriter,
}
