"""Writes a statement for a driver: its own placeholders, and `IN (…)` with one placeholder for each value of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from steprunners.clients.sql.binds import Bind, InList, Item
from steprunners.clients.sql.parameters import Document
from steprunners.clients.sql.statement import Statement
from steprunners.errors import BadConfig

#: The most values of all lists of a statement: SQLite takes 32,766 binds, PostgreSQL 65,535.
MAX_LISTED = 10_000


@dataclass(frozen=True)
class Spelling:
    """How a database writes what the others write in another way."""

    #: A placeholder, by its number from 1.
    place: Callable[[int], str]
    #: What stands after `x` for an empty list, by whether it is negated and how many columns `x` has.
    in_nothing: Callable[[bool, int], str]
    #: What a list of rows, `(1, 2), (3, 4)`, begins with.
    rows: str = ""
    has_arrays: bool = False
    text: Callable[[str], str] = str


@dataclass(frozen=True)
class Rendered:
    """A statement as the driver takes it, with its values; `names` has the bind of each, in their order."""

    text: str
    values: tuple[Any, ...] | dict[str, Any]
    names: tuple[str, ...] = ()


class Writer:
    """Writes one statement. Afterwards `names` and `values` hold what the placeholders stand for."""

    def __init__(self, values: Mapping[str, Any], spelling: Spelling) -> None:
        """Take the values of the binds."""
        self._given = values
        self._spelling = spelling
        self._numbers: dict[str, int] = {}
        self._listed = 0
        self.names: list[str] = []
        self.values: list[Any] = []

    def write(self, statement: Statement) -> str:
        """Return the text. Raises BadConfig for a list where it makes no sense, or with too many values."""
        return "".join(self._part(part) for part in statement.parts)

    def _part(self, part: str | Bind | InList) -> str:
        if isinstance(part, str):
            return self._spelling.text(part)
        return self._bind(part) if isinstance(part, Bind) else self._list(part)

    def _bind(self, bind: Bind) -> str:
        value = self._given[bind.name]
        if isinstance(value, list) and not self._spelling.has_arrays:
            value = self._json_text(bind, value)
        if bind.name not in self._numbers:
            self._numbers[bind.name] = self._add(bind.name, value)
        return self._place(self._numbers[bind.name])

    def _json_text(self, bind: Bind, value: list[Any]) -> Document:
        if bind.is_compared:
            raise BadConfig(
                f"meta.parameters.{bind.name} is a list, which this database cannot compare with: write "
                f"IN (:{bind.name}), or give JSON text by {{type: json, value: […]}}"
            )
        return Document(value)

    def _add(self, name: str, value: Any) -> int:
        self.names.append(name)
        self.values.append(value)
        return len(self.values)

    def _place(self, number: int) -> str:
        return self._spelling.place(number)

    def _list(self, part: InList) -> str:
        if not any(self._is_repeated(item) for item in part.items):
            return "".join(self._part(each) for each in part.parts)
        items = [text for item in part.items for text in self._items(item)]
        if not items:
            return self._spelling.in_nothing(part.is_negated, part.width)
        rows = self._spelling.rows if any(self._has_rows(item) for item in part.items) else ""
        return f"{'NOT ' if part.is_negated else ''}IN ({rows}{','.join(items)})"

    def _has_rows(self, item: Item) -> bool:
        return self._is_repeated(item) and any(isinstance(each, list) for each in self._values_of(item))

    def _is_repeated(self, item: Item) -> bool:
        return isinstance(self._values_of(item), list)

    def _values_of(self, item: Item) -> Any:
        return None if item.repeated is None else self._given[item.repeated.name]

    def _items(self, item: Item) -> Iterator[str]:
        if item.repeated is None or not self._is_repeated(item):
            yield "".join(self._part(part) for part in item.parts)
            return
        name = item.repeated.name
        for value in self._given[name]:
            place = self._value(name, value)
            yield "".join(place if isinstance(part, Bind) else self._part(part) for part in item.parts)

    def _value(self, name: str, value: Any) -> str:
        if isinstance(value, list):  # a row: (a, b) IN (:pairs)
            return f"({', '.join(self._value(name, each) for each in value)})"
        self._listed += 1
        if self._listed > MAX_LISTED:
            raise BadConfig(f"meta.parameters.{name}: IN (…) takes at most {MAX_LISTED:,} values")
        return self._place(self._add(name, value))
