"""Finds the places of values in a statement: binds, `IN (…)` with binds, and slices, which look like binds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from steprunners.clients.sql.lexicon import Kind, Token
from steprunners.errors import BadConfig


@dataclass(frozen=True)
class Bind:
    """A place for a value: `:name`. `is_compared`: it is compared, as in `= :name` and `IN (lower(:name))`."""

    name: str
    is_compared: bool = False


@dataclass(frozen=True)
class Item:
    """An item of a list: text and binds. `repeated` is the bind whose list gives one item for each of its values."""

    parts: tuple[str | Bind, ...]
    repeated: Bind | None = None


@dataclass(frozen=True)
class InList:
    """`IN (…)` with items that can be repeated; `opening` and `closing` are the text around them.

    `width` is the number of columns of what stands before it: 2 for `(a, b) IN (…)`.
    """

    opening: str
    items: tuple[Item, ...]
    closing: str
    is_negated: bool
    width: int

    @property
    def parts(self) -> Iterator[str | Bind]:
        """The text and the binds, as they are written."""
        yield self.opening
        for number, item in enumerate(self.items):
            yield from (",", *item.parts) if number else item.parts
        yield self.closing


Part = str | Bind | InList

_OPERATORS = frozenset("=<>!~+-*/%&^")
_COMPARING = ("LIKE", "GLOB", "MATCH", "REGEXP", "RLIKE", "BETWEEN", "IN", "IS", "DIV", "MOD", "NOT")
_CONDITIONS = (*_COMPARING, "AND", "OR", "WHERE", "HAVING", "ON", "WHEN")
_CLAUSES = ("SELECT", "FROM", "WHERE", "ON", "HAVING", "SET", "UPDATE", "VALUES", "RETURNING")
#: After another word, parentheses hold the arguments of a function.
_BEFORE_ROWS = frozenset({"", "ROW", "SELECT", "THEN", "ELSE", "XOR", "CASE", "RETURNING", *_CONDITIONS})
_NOTHING = Token(Kind.SPACE, "")


def parts_of(tokens: Sequence[Token]) -> Iterator[Part]:
    """Return the text, the binds and the lists of a statement; raise BadConfig for `[:name]`, which is ambiguous."""
    return _Reading(tokens).parts()


@dataclass
class _Frame:
    """Parentheses or brackets that are open; `word` stands before them, `clause` is the last one inside of them."""

    place: int = -1
    word: str = ""
    is_subscript: bool = False
    clause: str = ""
    commas: list[int] = field(default_factory=list)
    has_list: bool = False


class _Reading:
    """What the tokens mean. A place is a position among the tokens without spaces and comments."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._solid = [at for at, token in enumerate(tokens) if token.kind is not Kind.SPACE]
        self._frames = [_Frame()]
        self._binds: dict[int, Bind] = {}
        self._lists: dict[int, tuple[int, InList]] = {}
        #: The number of columns of the rows `(a, b)`, by the place of their end.
        self._widths: dict[int, int] = {}
        for place in range(len(self._solid)):
            self._read(place)

    def parts(self) -> Iterator[Part]:
        """Return the parts, with texts that are as long as possible."""
        text, at = "", 0
        while at < len(self._tokens):
            end, part = self._lists.get(at) or (at + 1, self._binds.get(at))
            if part is None:
                text += self._tokens[at].text
            else:
                yield from (text, part) if text else (part,)
                text = ""
            at = end
        if text.strip():
            yield text.rstrip()

    def _token(self, place: int) -> Token:
        return self._tokens[self._solid[place]] if 0 <= place < len(self._solid) else _NOTHING

    def _read(self, place: int) -> None:
        token = self._token(place)
        if token.kind in (Kind.LEFT, Kind.LEFT_BRACKET):
            self._frames.append(self._opened(place))
        elif token.kind in (Kind.RIGHT, Kind.RIGHT_BRACKET) and len(self._frames) > 1:
            self._close(self._frames.pop(), place)
        elif token.kind is Kind.COMMA:
            self._frames[-1].commas.append(place)
        elif token.is_word(*_CLAUSES):
            self._frames[-1].clause = token.text.upper()
        elif token.kind is Kind.BIND:
            self._read_bind(place)

    def _opened(self, place: int) -> _Frame:
        before = self._token(place - 1)
        word = before.text.upper() if before.kind is Kind.WORD else ""
        is_bracket = self._token(place).kind is Kind.LEFT_BRACKET
        return _Frame(place, word, is_subscript=is_bracket and word != "ARRAY" and _is_operand(before))

    def _close(self, frame: _Frame, place: int) -> None:
        if frame.word == "IN" and not frame.has_list:
            edges = [frame.place, *frame.commas, place]
            items = [self._item(start + 1, end) for start, end in pairwise(edges)]
            if any(item.repeated for item in items):
                frame.has_list = True
                self._add_list(frame.place, place, tuple(items))
        if frame.word in _BEFORE_ROWS:
            self._widths[place] = len(frame.commas) + 1
        self._frames[-1].has_list |= frame.has_list

    def _item(self, start: int, end: int) -> Item:
        """Return the item between these places, with the spaces and comments around it."""
        first, last = self._solid[start - 1] + 1, self._solid[end]
        parts = tuple(self._binds.get(at) or self._tokens[at].text for at in range(first, last))
        binds = [part for part in parts if isinstance(part, Bind)]
        return Item(parts, binds[0] if len(binds) == 1 and self._is_value(start, end) else None)

    def _is_value(self, start: int, end: int) -> bool:
        """Whether the item is `:name`, `:name::type` or `CAST(:name AS type)`."""
        if self._token(start).kind is Kind.BIND:
            return end == start + 1 or self._token(start + 1).text == "::"
        return self._token(start).is_word("CAST") and self._token(start + 2).kind is Kind.BIND

    def _add_list(self, opened: int, closed: int, items: tuple[Item, ...]) -> None:
        """Add the list; both places are the one of the bind where there are no parentheses."""
        has_parentheses = opened != closed
        is_negated = self._token(opened - 2).is_word("NOT")
        first = self._solid[opened - (2 if is_negated else 1)]
        inside = self._solid[opened] + has_parentheses
        opening = "".join(token.text for token in self._tokens[first:inside])
        closing = self._token(closed).text if has_parentheses else ""
        width = self._widths.get(opened - (3 if is_negated else 2), 1)
        self._lists[first] = (self._solid[closed] + 1, InList(opening, items, closing, is_negated, width))

    def _read_bind(self, place: int) -> None:
        at, frame = self._solid[place], self._frames[-1]
        if frame.is_subscript and self._is_slice(place, frame):
            return
        # Two ways to write an accent are one name, as in Python.
        name = unicodedata.normalize("NFC", self._tokens[at].text[1:])
        bind = self._binds[at] = Bind(name, self._is_compared(place))
        if self._token(place - 1).is_word("IN"):
            frame.has_list = True
            self._add_list(place, place, (Item((bind,), bind),))

    def _is_slice(self, place: int, frame: _Frame) -> bool:
        """Whether the colon belongs to a slice: `[1:name]`."""
        name = self._token(place).text
        if frame.place == place - 1:
            raise BadConfig(
                f"meta.query: [{name}] can be an element or a slice: write [({name})] for the element at the bind "
                f"{name}, [1 : {name}] for a slice up to the bind, [1:{name[1:]}] for a slice up to a column"
            )
        is_adjacent = self._solid[place - 1] == self._solid[place] - 1
        return is_adjacent and _is_operand(self._token(place - 1))

    def _is_compared(self, place: int) -> bool:
        """Whether the bind, or a value that is made of it by parentheses and functions, is compared."""
        for frame in reversed(self._frames):
            before, after = self._token(place - 1), self._token(place + 1)
            if before.text == "=" and frame.clause in ("SET", "UPDATE"):
                return False
            if frame.word in ("IN", "ANY", "ALL", "SOME") or _compares(before, after):
                return True
            if frame.is_subscript or frame.clause or frame.word.startswith("JSON"):
                return False
            place = frame.place if frame.word in _BEFORE_ROWS else frame.place - 1
        return False


def _compares(before: Token, after: Token) -> bool:
    """Whether one of the tokens beside a value is an operator."""
    return (
        (before.text[-1:] in _OPERATORS and before.text != ":=")
        or after.text[:1] in _OPERATORS - {"-"}  # `->` takes something out of a JSON text
        or before.is_word(*_CONDITIONS)
        or after.is_word(*_COMPARING)
    )


def _is_operand(token: Token) -> bool:
    if token.kind is Kind.TEXT:
        return token.text[0].isalnum() or token.text[0] in "'\"$"
    return token.kind in (Kind.WORD, Kind.RIGHT, Kind.RIGHT_BRACKET, Kind.BIND)
