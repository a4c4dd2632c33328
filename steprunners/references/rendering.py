"""Writes the values of references into the text around them, by its grammar: once unchanged and once masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from steprunners.json_types import Json
from steprunners.references import url_quoting
from steprunners.references.errors import ReferenceProblem, UnsafeValue
from steprunners.references.expressions import Part, Reference
from steprunners.references.functions import text_of
from steprunners.references.path_quoting import name_of, plain_path
from steprunners.references.quoting import (
    Grammar,
    header_text,
    jsonpath_literal,
    jsonpath_text,
    label_text,
    no_reference_in_query,
    open_quote,
    regex_text,
)
from steprunners.references.scope import Evaluator, Reading

MAX_TEXT = 32 * 1024 * 1024
MAX_URL = 64 * 1024
# For each value in a query all text before it is read again.
MAX_QUERY = 10_000

_WHOLE_IS_RAW = {
    Grammar.JSONPATH: text_of,
    Grammar.LABEL: text_of,
    Grammar.REGEX: text_of,
    Grammar.PATH: name_of,
}

#: A literal and None, or a reference and its value.
_Piece = tuple[str, None] | tuple[Reference, Reading]


def render(parts: Sequence[Part], evaluator: Evaluator, grammar: Grammar) -> tuple[Json, Json]:
    """Return the parts as one value, and its masked copy. Raises a ReferenceProblem."""
    pieces = _read(parts, evaluator, grammar)
    if len(pieces) == 1 and (reading := pieces[0][1]) is not None:
        if grammar is Grammar.PLAIN:
            return reading.value, _masked(reading, reading.value)
        if grammar in _WHOLE_IS_RAW:
            text = _whole(pieces[0][0], reading, _WHOLE_IS_RAW[grammar])
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


def _whole(part: Part, reading: Reading, text_from: Callable[[Json], str]) -> str:
    with _named(part):
        return text_from(reading.value)


@contextmanager
def _named(part: Part) -> Iterator[None]:
    """Name the reference in a problem with its value. The value is not named: it may be a secret."""
    try:
        yield
    except ReferenceProblem as problem:
        problem.message = f"{part if isinstance(part, str) else part.text}: {problem.message}"
        raise


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
            with _named(part):
                self.value(reading, pieces[index + 1 :])
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


class _JsonPathWriter(_QueryWriter):
    """Writes JSONPath: a value is a literal, or in the place of a name, as in `$.a.${name}`, that name in brackets."""

    def __init__(self) -> None:
        super().__init__(jsonpath_text)
        #: The name that is not complete yet, unchanged and masked; an index is written as it is.
        self.name: tuple[str, str] | None = None
        self.is_index = False

    def write(self, pieces: Sequence[_Piece]) -> tuple[str, str]:
        super().write(pieces)
        self.end_name()
        return "".join(self.texts), "".join(self.masks)

    def literal(self, text: str) -> None:
        if self.name is not None:
            more = _NAME_PART.match(text)
            if more is not None:
                self.add_to_name(more[0], more[0])
                text = text[more.end() :]
            if not text:
                return
            self.end_name()
        super().literal(text)

    def value(self, reading: Reading, following: Sequence[_Piece]) -> None:
        if self.name is None and not self.begin_name():
            super().value(reading, following)
            return
        written = name_of(reading.value)
        is_first = self.name == ("", "")
        self.add_to_name(written, _masked_text(reading, written))
        self.is_index = is_first and isinstance(reading.value, int)

    def begin_name(self) -> bool:
        """Take back the dot and the beginning of a name at the end of the text, if that is where the text ends."""
        before = "".join(self.texts)
        found = None if open_quote(before, quotes="'\"", comment="") else _NAME_BEGUN.search(before)
        if found is None:
            return False
        kept = before[: found.start()] + (".." if found[0].startswith("..") else "")
        taken = len(before) - len(kept)
        self.texts, self.masks = [kept], ["".join(self.masks)[:-taken] if taken else "".join(self.masks)]
        self.name = (found[1], found[1])
        return True

    def add_to_name(self, written: str, masked: str) -> None:
        name, shown = self.name or ("", "")
        self.name, self.is_index = (name + written, shown + masked), False

    def end_name(self) -> None:
        if self.name is None:
            return
        (name, shown), self.name = self.name, None
        literals = (name, shown) if self.is_index else (jsonpath_literal(name), jsonpath_literal(shown))
        self.put(f"[{literals[0]}]", f"[{literals[1]}]")


#: A name after a dot, at the end of a text, and how a name goes on (RFC 9535, 2.5.1.1).
_NAME_BEGUN = re.compile(r"\.\.?((?:[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*)?)\Z")
_NAME_PART = re.compile(r"[A-Za-z0-9_\u0080-\U0010ffff]+")


class _PathWriter(_Writer):
    """Writes the path of a `field` or an `extract`: JSONPath, or segments in which values are names or indexes."""

    def write(self, pieces: Sequence[_Piece]) -> tuple[str, str]:
        if isinstance(pieces[0][0], str) and pieces[0][0].startswith("$"):
            return _JsonPathWriter().write(pieces)
        parts: list[str | int] = []
        names: list[str] = []
        for part, reading in pieces:
            if reading is None:
                parts.append(str(part))
                continue
            with _named(part):
                self.put(name_of(reading.value), _masked_text(reading, name_of(reading.value)))
            parts.append(len(names))
            names.append(self.texts[-1])
        return plain_path(parts, names), plain_path(parts, self.masks)


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
    Grammar.JSONPATH: _JsonPathWriter,
    Grammar.PATH: _PathWriter,
    Grammar.LABEL: lambda: _QueryWriter(label_text),
    Grammar.REGEX: _RegexWriter,
}
