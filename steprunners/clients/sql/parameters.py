"""Parameters: plain JSON values, or `{type, value}` where the database must know the type."""

from __future__ import annotations

import base64
import binascii
import datetime
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from steprunners.clients.sql.statement import Statement
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.values.sent_text import as_text, json_of

#: The most digits of a decimal: 1e999999999 written out would fill the memory. PostgreSQL's numeric has up to 1000.
MAX_DIGITS = 1_000


class Document:
    """A value for a JSON column."""

    def __init__(self, value: Json) -> None:
        """Keep the value."""
        self.value = value

    def text(self) -> str:
        """Return it as JSON text."""
        return json_of(self.value)


def _boolean(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    try:
        return {"true": True, "false": False}[str(value).lower()]
    except KeyError:
        raise ValueError("not true or false") from None


def _integer(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("not a whole number")
    return int(value)


def _decimal(value: Json) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("not a number")
    number = Decimal(str(value))
    if number.is_finite() and max(abs(number.adjusted()), len(number.as_tuple().digits)) > MAX_DIGITS:
        raise ValueError("more digits than a database takes")
    return number


def _array(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    return value


_TYPES: Mapping[str, Callable[[Json], Any]] = {
    "text": as_text,
    "integer": _integer,
    "number": lambda value: float(_decimal(value)),
    "decimal": _decimal,
    "boolean": _boolean,
    "date": lambda value: datetime.date.fromisoformat(as_text(value)),
    "time": lambda value: datetime.time.fromisoformat(as_text(value)),
    "timestamp": lambda value: datetime.datetime.fromisoformat(as_text(value)),
    "uuid": lambda value: uuid.UUID(as_text(value)),
    "bytes": lambda value: base64.b64decode(as_text(value), validate=True),
    "json": Document,
    "array": _array,
}


def bound_values(statement: Statement, parameters: Mapping[str, Json]) -> dict[str, Any]:
    """Return a Python value for each bind; raise BadConfig for what is missing, unused, or not of its type."""
    binds = statement.binds
    for name in binds:
        if name not in parameters:
            raise BadConfig(f"meta.parameters has no '{name}', which the query binds as :{name}")
    for name in parameters:
        if name not in binds:
            raise BadConfig(f"meta.parameters.{name} is not used: the query has no :{name} outside of quotes")
    return {name: _typed(name, parameters[name]) for name in binds}


def _typed(name: str, value: Json) -> Any:
    if isinstance(value, dict) and set(value) == {"type", "value"} and value["type"] in _TYPES:
        kind, given = str(value["type"]), value["value"]
        return None if given is None and kind != "json" else _converted(name, kind, given)
    return Document(value) if isinstance(value, dict) else value


def _converted(name: str, kind: str, given: Json) -> Any:
    try:
        return _TYPES[kind](given)
    except (ValueError, InvalidOperation, binascii.Error, OverflowError) as error:
        raise BadConfig(f"meta.parameters.{name} is not of type {kind}") from error


def portable(value: Any) -> Any:
    """Return the value for a database without arrays, uuid and JSON: values of these types become text."""
    if isinstance(value, Document):
        return value.text()
    if isinstance(value, list):
        return Document(value).text()
    if isinstance(value, uuid.UUID):
        return str(value)
    return value
