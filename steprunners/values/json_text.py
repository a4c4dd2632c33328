"""Reads and writes JSON without losing a digit of a number.

A double cannot hold `9007199254740993.5`, and Python writes `10.00` as `10.0`. So a number that would be written in
another way is read as an ExactFloat: a float that remembers its text. Everything computes with it as with any float;
`dumps` writes its text again. Python's integers are exact by themselves.
"""

from __future__ import annotations

import json
import math
import re
import secrets
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, NoReturn


class ExactFloat(float):
    """A float with the text that it was read from: `10.00`, `1e5`, or more digits than a double holds."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> ExactFloat:
        """Read a JSON number. Raises ValueError where it is none."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __repr__(self) -> str:
        """Return the text, as in a JSON document."""
        return self.text

    __str__ = __repr__

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # what its own __new__ takes
        """Copies and pickles keep the text."""
        return (self.text,)


def exact_float(text: str) -> float:
    """Return the number: a plain float where Python writes it as it stands, else an ExactFloat.

    A number beyond a double is infinite.
    """
    number = float(text)
    return number if repr(number) == text or math.isinf(number) else ExactFloat(text)


def finite_float(text: str) -> float:
    """Return the number as `exact_float` does. Raises ValueError where it is beyond a double."""
    number = exact_float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is out of range")
    return number


def exact_decimal(number: float) -> Decimal:
    """Return exactly the number that was written; a plain float counts by its shortest text."""
    try:
        return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    except InvalidOperation:  # an exponent of 19 digits: as a double it is 0
        return Decimal(float.__repr__(number))


def refuse_constant(constant: str) -> NoReturn:
    """Raise ValueError: NaN and the infinities are not JSON (RFC 8259)."""
    raise ValueError(f"{constant} is not JSON")


_decoder = json.JSONDecoder(parse_constant=refuse_constant, parse_float=finite_float)


def loads(text: str | bytes) -> Any:
    """Return the value of a JSON text with every digit. Raises ValueError where it is not JSON."""
    return _decoder.decode(text if isinstance(text, str) else text.decode())


def reads_as_json(text: str) -> bool:
    """Whether the text is JSON or empty, so that a reader would not take it for a text."""
    try:
        loads(text)
    except (ValueError, RecursionError):
        return text == ""
    return True


# Text of a tested system cannot contain it by chance or on purpose: it differs in each process.
_MARK = f"\ue000{secrets.token_hex(8)}:"
_MARKED = re.compile(rf'"(?:\ue000|\\ue000){_MARK[1:]}([-+.0-9eE]+)"')
_LEAVES = frozenset({str, int, bool, float, type(None)})


class ExactEncoder(json.JSONEncoder):
    """Writes every number as it was read. Give it to `json.dumps` as `cls`, or use `dumps`.

    Python's fast encoder writes every float in its own way. So an ExactFloat goes through it as a marked text.
    """

    def encode(self, o: Any) -> str:
        """Return the JSON text."""
        if not _has_exact_float(o):
            return super().encode(o)
        return _MARKED.sub(r"\1", super().encode(_marked(o)))


def dumps(value: Any, *, ensure_ascii: bool = True, compact: bool = False) -> str:
    """Return the JSON text of a value. Raises ValueError for NaN and infinities."""
    return _encoder(ensure_ascii, compact)(value)


@cache
def _encoder(ensure_ascii: bool, compact: bool) -> Callable[[Any], str]:
    separators = (",", ":") if compact else None
    return ExactEncoder(ensure_ascii=ensure_ascii, separators=separators, allow_nan=False).encode


def _has_exact_float(value: Any) -> bool:
    waiting: list[Any] = [(value,)]
    while waiting:  # a loop: this runs over every result that is stored
        container = waiting.pop()
        for each in container.values() if isinstance(container, dict) else container:
            kind = type(each)
            if kind in _LEAVES:
                continue
            if kind is ExactFloat:
                return True
            if isinstance(each, dict | list | tuple):
                waiting.append(each)
    return False


def _marked(value: Any) -> Any:
    """Return the value with a marked text in the place of each ExactFloat."""
    if isinstance(value, ExactFloat):
        return _MARK + value.text
    if isinstance(value, dict):
        return {key: _marked(each) for key, each in value.items()}
    return [_marked(each) for each in value] if isinstance(value, list | tuple) else value
