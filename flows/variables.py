"""The variables of a flow: their declaration, and whether a value has their type."""

from __future__ import annotations

import json
import math
import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from steprunners.base import Wire
from steprunners.envelope import StepName, VariableType
from steprunners.json_types import Json

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_WANTED = {
    VariableType.STRING: "text",
    VariableType.INTEGER: "a whole number such as 42",
    VariableType.DOUBLE: "a number such as 1.5",
    VariableType.BOOLEAN: "true or false",
    VariableType.DATE: "a date such as 2026-01-31, as text",
    VariableType.JSON: "a JSON value",
}
_TYPE_NAMES = frozenset(each.value for each in VariableType)


class WrongType(ValueError):
    """The value does not have the variable's type."""


def _as_type(value: Any) -> Any:
    """Accept a type's name in any case."""
    name = value.lower() if isinstance(value, str) else value
    return VariableType(name) if isinstance(name, str) and name in _TYPE_NAMES else value


class Variable(Wire):
    """A variable of a flow; a `default_value` of null is no default."""

    name: StepName
    type: Annotated[VariableType, BeforeValidator(_as_type)] = VariableType.STRING
    default_value: Json = None
    description: str = Field("", max_length=2_000)
    required: bool = False
    secret: bool = False


def check_value(variable: Variable, value: Json) -> Json:
    """Return the value as the variable's type has it (2.0 is the integer 2); raise WrongType.

    Text is never read as a number or a boolean: `read_text` does that where there is nothing but text.
    """
    checked = _checked(variable.type, value)
    if checked is None and variable.type is not VariableType.JSON:
        raise WrongType(f"{variable.name} must be {_WANTED[variable.type]}, not {kind_of(value)}")
    return checked


def read_text(variable: Variable, text: str) -> Json:
    """Return the value that `text` spells, as a command line or a form has it; raise WrongType.

    For `json` the text is JSON.
    """
    if variable.type in (VariableType.STRING, VariableType.DATE):
        return check_value(variable, text)
    try:
        value: Json = json.loads(text, parse_constant=lambda name: None)
    except (ValueError, RecursionError) as error:
        raise WrongType(f"{variable.name} must be {_WANTED[variable.type]}, not '{text[:40]}'") from error
    return check_value(variable, value)


def kind_of(value: Any) -> str:
    """Return what the value is, in words such as "text" or "a list"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {int: "a whole number", float: "a decimal number", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "null")


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
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _integer(value: Json) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


def _is_date(value: Json) -> bool:
    if not isinstance(value, str) or not _DATE.match(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
