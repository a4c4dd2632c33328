"""The types of variables: whether a JSON value has a type. Text is never read as another type."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any

from steprunners.documents.envelope import VariableType
from steprunners.documents.problems import kind_of
from steprunners.json_types import Json
from steprunners.masking.known_secrets import shorten
from steprunners.values.json_text import exact_decimal, loads

__all__ = ["VariableType", "WrongType", "as_type", "read_text", "typed"]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_WANTED = {
    VariableType.STRING: "text",
    VariableType.INTEGER: "a whole number such as 42",
    VariableType.DOUBLE: "a number such as 1.5",
    VariableType.BOOLEAN: "true or false",
    VariableType.DATE: "a date such as 2026-01-31, as text",
    VariableType.JSON: "a JSON value",
}
_NAMES = frozenset(each.value for each in VariableType)


class WrongType(ValueError):
    """The value does not have the type."""


def as_type(value: Any) -> Any:
    """Return the type that `value` names, in upper or lower case, or else `value`: for pydantic's BeforeValidator."""
    name = value.lower() if isinstance(value, str) else value
    return VariableType(name) if isinstance(name, str) and name in _NAMES else value


def typed(kind: VariableType, value: Json, subject: str) -> Json:
    """Return the value in the form of the type (2.0 is the integer 2); raise WrongType, about `subject`, for others.

    Text is never read as a number or a boolean. `read_text` does that for sources that have only text.
    """
    checked = _checked(kind, value)
    if checked is None and kind is not VariableType.JSON:
        found = "other text" if kind is VariableType.DATE and isinstance(value, str) else kind_of(value)
        raise WrongType(f"{subject} must be {_WANTED[kind]}, not {found}")
    return checked


def read_text(kind: VariableType, text: str, subject: str) -> Json:
    """Return the value that `text` from a command line or a form spells; for `json` the text is JSON.

    Raises WrongType.
    """
    if kind in (VariableType.STRING, VariableType.DATE):
        return typed(kind, text, subject)
    try:
        value: Json = loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongType(f"{subject} must be {_WANTED[kind]}, not '{shorten(text, 40)}'") from error
    return typed(kind, value, subject)


def _checked(kind: VariableType, value: Json) -> Json:
    """Return the value in that type, or None where it is another."""
    match kind:
        case VariableType.JSON:
            return value
        case VariableType.STRING:
            return value if isinstance(value, str) else None
        case VariableType.BOOLEAN:
            return value if isinstance(value, bool) else None
        case VariableType.DATE:
            return value if _is_date(value) else None
        case VariableType.INTEGER:
            return _integer(value)
    return value if _is_number(value) else None


def _is_number(value: Json) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)  # of any size: a float would overflow


def _integer(value: Json) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(exact_decimal(value))
    return value if isinstance(value, int) else None


def _is_date(value: Json) -> bool:
    if not isinstance(value, str) or not _DATE.match(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
