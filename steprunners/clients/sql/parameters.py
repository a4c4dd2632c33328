"""Parameters: plain JSON values, or `{type, value}` where the database must know the type."""

from __future__ import annotations

import base64
import binascii
import datetime
import math
import unicodedata
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from steprunners.clients.sql.statement import Statement
from steprunners.clients.sql.values import to_json
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.values.json_text import ExactFloat, exact_decimal
from steprunners.values.sent_text import as_text, json_of

#: The most digits of a decimal: 1e999999999 written out would fill the memory. PostgreSQL's numeric has up to 1000.
MAX_DIGITS = 1_000


class Document:
    """A value for a JSON column."""

    def __init__(self, value: Any) -> None:
        """Keep the value."""
        self.value = value

    def text(self) -> str:
        """Return it as JSON text."""
        return json_of(_plain(self.value))


class TypedText(str):
    """A text that is text for PostgreSQL too, where others take the type that their place needs."""

    __slots__ = ()


@dataclass(frozen=True)
class TypedNull:
    """A null with the name of its type."""

    kind: str


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


def _number(value: Json) -> float:
    number = _decimal(value)
    if number.is_finite() and math.isinf(float(number)):
        raise ValueError("beyond a double")
    return float(number)


def _text(value: Json) -> TypedText:
    return TypedText(as_text(value))


_TYPES: Mapping[str, Callable[[Json], Any]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": lambda value: datetime.date.fromisoformat(_text(value)),
    "time": lambda value: datetime.time.fromisoformat(_text(value)),
    "timestamp": lambda value: datetime.datetime.fromisoformat(_text(value)),
    "uuid": lambda value: uuid.UUID(_text(value)),
    "bytes": lambda value: base64.b64decode(_text(value), validate=True),
}
#: Names of types in databases and languages, and what they are called here.
_OTHER_NAMES: Mapping[str, str] = {
    **dict.fromkeys(["string", "str", "varchar", "char", "character", "nvarchar", "enum"], "text"),
    **dict.fromkeys(["int", "bigint", "smallint", "int4", "int8", "long", "serial"], "integer"),
    **dict.fromkeys(["float", "double", "real", "float8", "double precision"], "number"),
    **dict.fromkeys(["numeric", "money"], "decimal"),
    **dict.fromkeys(["bool", "bit"], "boolean"),
    **dict.fromkeys(["datetime", "timestamptz", "timestamp with time zone"], "timestamp"),
    **dict.fromkeys(["timetz"], "time"),
    **dict.fromkeys(["guid"], "uuid"),
    **dict.fromkeys(["bytea", "blob", "binary", "varbinary", "base64"], "bytes"),
    **dict.fromkeys(["jsonb", "object"], "json"),
    **dict.fromkeys(["list"], "array"),
}


def bound_values(statement: Statement, parameters: Mapping[str, Json]) -> dict[str, Any]:
    """Return a Python value for each bind; raise BadConfig for what is missing, unused, or not of its type."""
    given = {unicodedata.normalize("NFC", name): value for name, value in parameters.items()}
    binds = statement.binds
    for name in binds:
        if name not in given:
            raise BadConfig(f"meta.parameters has no '{name}', which the query binds as :{name}")
    for name in given:
        if name not in binds:
            raise BadConfig(f"meta.parameters.{name} is not used: the query has no :{name} outside of quotes")
    return {name: _bound(name, given[name]) for name in binds}


def _bound(name: str, value: Json) -> Any:
    if isinstance(value, dict):
        is_typed = set(value) == {"type", "value"} and isinstance(value["type"], str)
        return _typed(name, value) if is_typed else Document(value)
    if isinstance(value, list):
        return [_bound(f"{name}[{number}]", each) for number, each in enumerate(value)]
    if isinstance(value, str):
        return str(value)  # a decimal of another sql result is text with a class of its own
    return _double(value) if isinstance(value, ExactFloat) else value


def _double(value: ExactFloat) -> float | Decimal:
    """Return the number as a double, and only as a decimal where a double would lose digits."""
    plain = float(value)
    return plain if exact_decimal(plain) == exact_decimal(value) else _decimal(value)


def _typed(name: str, value: dict[str, Json]) -> Any:
    kind, given = str(value["type"]), value["value"]
    if kind == "json":
        return Document(given)
    if kind == "array":
        if given is not None and not isinstance(given, list):
            raise BadConfig(f"meta.parameters.{name} is not of type array")
        return _bound(name, given)
    if kind in _TYPES:
        return _converted(name, kind, given)
    if kind.lower() in _OTHER_NAMES:
        raise BadConfig(
            f"meta.parameters.{name}: the type is called {_OTHER_NAMES[kind.lower()]}, not {kind}. If this is an "
            f"object for a JSON column, write {{type: json, value: {{…}}}}"
        )
    return Document(value)


def _converted(name: str, kind: str, given: Json) -> Any:
    if given is None:
        return TypedNull(kind)
    if isinstance(given, list):
        return [_converted(f"{name}[{number}]", kind, each) for number, each in enumerate(given)]
    try:
        return _TYPES[kind](given)
    except (ValueError, InvalidOperation, binascii.Error, OverflowError) as error:
        raise BadConfig(f"meta.parameters.{name} is not of type {kind}") from error


def portable(value: Any) -> Any:
    """Return the value for a database without arrays, uuid, JSON and zones: as text, and times in UTC."""
    if isinstance(value, Document):
        return value.text()
    if isinstance(value, TypedNull):
        return None
    if isinstance(value, str | uuid.UUID):
        return str(value)
    if isinstance(value, datetime.datetime | datetime.time):
        return _in_utc(value)
    if isinstance(value, Decimal | float) and not Decimal(value).is_finite():
        raise BadConfig(f"a parameter is {value}, for which this database has no number")
    return value


def _in_utc(value: datetime.datetime | datetime.time) -> datetime.datetime | datetime.time:
    """Return the time of the session's zone, which is UTC; one without an offset stays."""
    offset = value.utcoffset()
    if offset is None:
        return value
    naive = value.replace(tzinfo=None)
    if isinstance(naive, datetime.time):
        return (datetime.datetime.combine(datetime.date(2000, 1, 2), naive) - offset).time()
    try:
        return naive - offset
    except OverflowError as error:
        raise BadConfig(f"the time {value} is outside of the years 1 to 9999 in UTC") from error


def _plain(value: Any) -> Json:
    """Return a list of typed values as JSON."""
    if isinstance(value, Document):
        return _plain(value.value)
    if isinstance(value, TypedNull):
        return None
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return (
        to_json(value)
        if isinstance(value, Decimal | bytes | datetime.date | datetime.time | uuid.UUID)
        else value
    )
