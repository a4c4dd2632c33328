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
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

from steprunners.json_types import Json


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

    def __getnewargs__(self) -> tuple[str]:
        """Copies and pickles keep the text."""
        return (self.text,)


def exact_float(text: str) -> float:
    """Return the number: a plain float where Python writes it as it stands, else an ExactFloat.

    Raises ValueError for a number beyond a double.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is out of range")
    return number if float.__repr__(number) == text else ExactFloat(text)


def exact_decimal(number: float) -> Decimal:
    """Return exactly the number that was written; a plain float counts by its shortest text."""
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def refuse_constant(constant: str) -> NoReturn:
    """Raise ValueError: NaN and the infinities are not JSON (RFC 8259)."""
    raise ValueError(f"{constant} is not JSON")


_decoder = json.JSONDecoder(parse_constant=refuse_constant, parse_float=exact_float)


def loads(text: str) -> Json:
    """Return the value of a JSON text with every digit. Raises ValueError where it is not JSON."""
    value: Json = _decoder.decode(text)
    return value


# Text of a tested system cannot contain it by chance or on purpose: it differs in each process.
_MARK = f"\ue000{secrets.token_hex(8)}:"


def dumps(value: Any, *, ensure_ascii: bool = True, separators: tuple[str, str] | None = None) -> str:
    """Return JSON text in which every number is written as it was read. Raises ValueError for NaN and infinities."""
    encode = _encoder(ensure_ascii, separators)
    if not _has_exact_float(value):
        return encode(value)
    return _written(ensure_ascii).sub(r"\1", encode(_marked(value)))


@lru_cache(maxsize=16)
def _encoder(ensure_ascii: bool, separators: tuple[str, str] | None) -> Callable[[Any], str]:  # noqa: FBT001
    return json.JSONEncoder(ensure_ascii=ensure_ascii, separators=separators, allow_nan=False).encode


@lru_cache(maxsize=2)
def _written(ensure_ascii: bool) -> re.Pattern[str]:  # noqa: FBT001
    mark = json.dumps(_MARK, ensure_ascii=ensure_ascii)[1:-1]
    return re.compile(f'"{re.escape(mark)}([-+.0-9eE]+)"')


def _has_exact_float(value: Any) -> bool:
    waiting: list[Any] = [(value,)]
    while waiting:  # a loop: this runs over every result that is stored
        container = waiting.pop()
        for each in container.values() if isinstance(container, dict) else container:
            kind = type(each)
            if kind is ExactFloat:
                return True
            if kind is dict or kind is list or kind is tuple:
                waiting.append(each)
    return False


def _marked(value: Any) -> Any:
    """Return the value with a marked text in the place of each ExactFloat.

    Python's fast encoder writes every float in its own way. So what it may not touch goes through it as text.
    """
    if isinstance(value, ExactFloat):
        return _MARK + value.text
    if isinstance(value, dict):
        return {key: _marked(each) for key, each in value.items()}
    return [_marked(each) for each in value] if isinstance(value, list | tuple) else value
