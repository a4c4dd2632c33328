"""What a plain (unquoted) YAML scalar means: YAML 1.2's core schema where JSON has the type, else text.

Source: https://yaml.org/spec/1.2.2/#103-core-schema.
"""

from __future__ import annotations

import math
import re

from steprunners.json_types import Json
from steprunners.values.json_text import exact_float

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# A leading zero means a code, not a number (007, 01234): it stays text, as a tester would expect.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
# What JSON writes alike: `.5` and `+1.5` are YAML alone.
_JSON_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")


class NotJSON(ValueError):
    """The scalar is a number that JSON does not have."""


def read_plain(text: str) -> Json:
    """Return the value of a plain scalar; raise NotJSON where it is a number that JSON does not have."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.match(text):
        return _integer(text)
    return _float(text) if _FLOAT.match(text) or _NOT_FINITE.match(text) else text


def needs_quotes(text: str) -> bool:
    """Whether the text would be read as something else than text where it stood plain."""
    patterns = (_INTEGER, _FLOAT, _NOT_FINITE)
    return text in _NULL or text in _BOOLEANS or any(pattern.match(text) for pattern in patterns)


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:  # more digits than Python reads
        raise NotJSON("a number has too many digits") from error


def _float(text: str) -> float:
    if _NOT_FINITE.match(text) or not math.isfinite(float(text)):
        raise NotJSON(f"{text[:40]} is not a number that JSON has")
    return exact_float(text) if _JSON_FLOAT.match(text) else float(text)
