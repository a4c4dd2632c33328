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
# What some reader takes for a number or a time: 018 and 0o17 (YAML 1.2), 0b1, 1_000 and 1:30 (YAML 1.1), 1,000 (Ruby).
_NUMBER_LIKE = re.compile(r"[-+.]*(?:[0-9_][0-9a-fA-FoOxX_.,:+-]*)?\Z")
_WORDS_OF_YAML_1_1 = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


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
    """Whether the text stands plain for something else than text, to us or to another reader of YAML 1.1 or 1.2.

    Dates, `=` and `<<` are not found: PyYAML, which writes, quotes them by itself.
    """
    if text in _NULL or text.lower() in _WORDS_OF_YAML_1_1:
        return True
    return any(pattern.match(text) for pattern in (_NUMBER_LIKE, _NOT_FINITE))


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:  # more digits than Python reads
        raise NotJSON("a number has too many digits") from error


def _float(text: str) -> float:
    if _NOT_FINITE.match(text) or not math.isfinite(float(text)):
        raise NotJSON(f"{text[:40]} is not a number that JSON has")
    return exact_float(text) if _JSON_FLOAT.match(text) else float(text)
