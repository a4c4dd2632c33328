"""Writes values of a database as exact JSON: numbers that JSON cannot hold become text.

- integers beyond ±2^53, and decimals with a fraction: NumberText, which assertions compare as numbers
- NaN and the infinities: `NaN`, `Infinity`, `-Infinity`
- times: ISO 8601 text, as the database has them; bytes: base64; uuid, ranges and the like: text
- JSON columns: parsed; a number in them that a double cannot hold exactly becomes text
"""

from __future__ import annotations

import base64
import datetime
import json
import math
from decimal import Decimal, InvalidOperation
from typing import Any

from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from steprunners.json_types import Json
from steprunners.values.json_text import exact_decimal, exact_float
from steprunners.values.number_text import NumberText

#: Readers of JSON use doubles, which cannot hold every integer beyond this one.
MAX_EXACT = 2**53
_LONG_INT = 1_000


def to_json(value: Any) -> Json:
    """Return the value as JSON."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, dict):
        return {str(key): to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | Multirange):
        return [to_json(each) for each in value]
    if isinstance(value, int | float | Decimal):
        return _number(value)
    return _range(value) if isinstance(value, Range) else _written(value)


def _range(value: Range[Any]) -> Json:
    return {
        "lower": to_json(value.lower),
        "upper": to_json(value.upper),
        "lowerInclusive": value.lower_inc,
        "upperInclusive": value.upper_inc,
        "empty": value.isempty,
    }


def _written(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


def _number(value: float | Decimal) -> Json:
    if not _is_finite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, Decimal):
        is_exact = not _has_fraction(value) and value.copy_abs() <= MAX_EXACT
        return int(value) if is_exact else NumberText(format(value, "f"))
    if isinstance(value, int):
        return value if abs(value) <= MAX_EXACT else NumberText(value)
    return value


def _is_finite(value: float | Decimal) -> bool:
    # A Decimal may be finite and still too large for a float.
    return value.is_finite() if isinstance(value, Decimal) else isinstance(value, int) or math.isfinite(value)


def _has_fraction(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent < 0


def loads_exact(text: str | bytes) -> Json:
    """Parse a JSON column; text that is not JSON stays text."""
    try:
        parsed: Json = to_json(json.loads(text, parse_float=_exact_float, parse_int=_exact_int))
    except (ValueError, RecursionError):
        return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return parsed


def _exact_float(text: str) -> float | str:
    number = float(text)
    if math.isfinite(number):
        exact = exact_float(text)
        return exact if exact_decimal(number) == exact_decimal(exact) else NumberText(text)
    try:
        Decimal(text)
    except InvalidOperation:  # an exponent of 19 digits
        return text
    return NumberText(text)


def _exact_int(text: str) -> int | Decimal:
    # Python refuses an int of more than 4300 digits.
    return int(text) if len(text) < _LONG_INT else Decimal(text)


def size_of(value: Json) -> int:
    """Return roughly how many bytes the value takes as JSON."""
    if isinstance(value, str):
        return len(value) + 2
    if isinstance(value, dict):
        return 2 + sum(len(key) + 4 + size_of(each) for key, each in value.items())
    if isinstance(value, list):
        return 2 + sum(size_of(each) + 1 for each in value)
    return 8


def unique_names(names: list[str]) -> list[str]:
    """Return the column names, a repeated one with a number: `id`, `id_2`."""
    taken: set[str] = set(names)
    seen: set[str] = set()
    unique = []
    for name in names:
        chosen, number = name, 2
        while chosen in seen or (chosen != name and chosen in taken):
            chosen, number = f"{name}_{number}", number + 1
        seen.add(chosen)
        unique.append(chosen)
    return unique
