"""Parses JSON as tested systems send it, and says why a text is not JSON, or not stored as such."""

from __future__ import annotations

from collections.abc import Iterable
from json import JSONDecodeError

from steprunners.json_types import Json
from steprunners.values.json_text import loads

#: Deeper JSON stays text: masking, assertions and the database go down level by level.
MAX_DEPTH = 200


class NotJson(Exception):
    """The text stays text; the message says why: `Expecting value at line 1, column 1`."""


def parse_received(text: str) -> Json:
    """Return the value of a JSON text (RFC 8259).

    Raises NotJson, also for NaN, Infinity, numbers beyond a double, and more than MAX_DEPTH levels.
    """
    try:
        value: Json = loads(text)
    except JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise NotJson(f"{what} at line {error.lineno}, column {error.colno}") from error
    except ValueError as error:
        told = "a number has too many digits" if "int_max_str_digits" in str(error) else str(error)
        raise NotJson(told) from error
    except RecursionError as error:
        raise NotJson(_TOO_DEEP) from error
    if text.count("[") + text.count("{") > MAX_DEPTH and not _is_shallow(value):
        raise NotJson(_TOO_DEEP)
    return value


_TOO_DEEP = f"it is nested more than {MAX_DEPTH} levels deep"


def _is_shallow(value: Json) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child for container in level for child in _members(container) if isinstance(child, dict | list)
        ]
        if not level:
            return True
    return False


def _members(container: Json) -> Iterable[Json]:
    if isinstance(container, dict):
        return container.values()
    return container if isinstance(container, list) else ()
