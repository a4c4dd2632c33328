"""Numbers in assertions: exact, and only where a value is known to be one.

JSON numbers are numbers, and so is a NumberText: a decimal or long integer of an `sql` result. Other text is none, even
if it looks like one; it becomes one only as an expected value beside a number (`as_type_of`).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from steprunners.json_types import Json
from steprunners.values.json_text import exact_decimal
from steprunners.values.number_text import NumberText

_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?\s*\Z", re.ASCII)
_BOOLEANS = {"true": True, "false": False}


def is_number(value: object) -> bool:
    """Whether the value is a JSON number; a boolean is not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_known_number(value: object) -> bool:
    """Whether the value is a JSON number, or a decimal or long integer of an `sql` result."""
    return is_number(value) or isinstance(value, NumberText)


def number_in(text: str) -> Decimal | None:
    """Return the number that the text spells, or None."""
    return Decimal(text.strip()) if _NUMBER.match(text) else None


def as_type_of(actual: Json, expected: Json) -> Json:
    """Return an `expected` text as the number or boolean that it spells, when `actual` is one."""
    if not isinstance(expected, str):
        return expected
    if isinstance(actual, bool):
        return _BOOLEANS.get(expected.strip().lower(), expected)
    spells_number = is_number(actual) and number_in(expected) is not None
    return NumberText(expected.strip()) if spells_number else expected


def numbers_of(left: Json, right: Json) -> tuple[Any, Any] | None:
    """Return the two numbers as which the values compare, or None where they are not both numbers.

    Two JSON numbers, a number and a NumberText, or a NumberText and a text that spells a number.
    """
    if type(left) is int and type(right) is int:
        return left, right
    first, second = _number(left), _number(right)
    if first is None and second is not None and type(right) is NumberText and isinstance(left, str):
        first = number_in(left)
    if second is None and first is not None and type(left) is NumberText and isinstance(right, str):
        second = number_in(right)
    return None if first is None or second is None else (first, second)


def _number(value: Json) -> Decimal | None:
    if isinstance(value, NumberText):
        return value.number
    number = exact_decimal(value) if is_number(value) else None  # type: ignore[arg-type]  # a number
    return None if number is None or number.is_nan() else number


def is_integer(value: object) -> bool:
    """Whether the value is a whole number, as JSON Schema has it: 1.0 is one."""
    number = _number(value)  # type: ignore[arg-type]  # whatever is no number gives None
    return number is not None and number.is_finite() and number == number.to_integral_value()


def is_multiple(value: Any, divisor: Any) -> bool:
    """Whether the number is a multiple of the divisor, exactly: 19.99 is one of 0.01. The divisor is above 0."""
    left, right = exact_decimal(value), exact_decimal(divisor)
    if not (left.is_finite() and right.is_finite()):
        return False
    (_, digits, exponent), (_, of, other) = left.as_tuple(), right.as_tuple()
    number, step, shift = _integer(digits), _integer(of), int(exponent) - int(other)
    if shift >= 0:
        return number * pow(10, shift, step) % step == 0
    # An exponent may have billions of zeros; a number with fewer digits than zeros is no multiple, except 0.
    return number == 0 or (-shift <= len(digits) and number % (step * 10**-shift) == 0)


def _integer(digits: tuple[int, ...]) -> int:
    return int(Decimal((0, digits, 0)))
