"""Writes values for messages and outcomes: as JSON, cut where it is long."""

from __future__ import annotations

from steprunners.json_types import Json
from steprunners.masking.known_secrets import hidden
from steprunners.values.json_text import parts

MAX_SHOWN = 120
MAX_KEPT = 16_384
_FEW, _LARGE = 16, 10**9


def show(value: Json, limit: int = MAX_SHOWN) -> str:
    """Return the value as compact JSON of at most `limit` characters; a final "…" says that it was cut.

    Only the part that is shown is written, so a large value costs little. A value that is cut is masked before.
    """
    text, is_whole = _written(value, limit)
    return text if is_whole else _written(hidden(value), limit)[0]


def _written(value: Json, limit: int) -> tuple[str, bool]:
    """Return the beginning of the value as JSON, and whether it is complete."""
    written, length = [], 0
    try:
        for chunk in parts(value):
            written.append(chunk)
            length += len(chunk)
            if length > limit:
                return "".join(written)[:limit] + "…", False
    except (RecursionError, ValueError):
        return "".join(written)[:limit] + "…", False
    return "".join(written), True


def shortened(value: Json) -> Json:
    """Return the value, or, where its JSON is longer than 16 KiB, the beginning of that JSON as text."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str) and len(value) < MAX_KEPT // 6 - 2:  # a character is written with six at most
        return value
    if isinstance(value, list) and _are_few_numbers(value):  # the bounds of `between`, mostly
        return value
    shown = show(value, MAX_KEPT)
    return shown if len(shown) > MAX_KEPT else value


def _are_few_numbers(value: list[Json]) -> bool:
    return len(value) <= _FEW and all(type(each) is int and -_LARGE < each < _LARGE for each in value)
