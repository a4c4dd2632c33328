"""Writes values for messages and outcomes: as JSON, cut where it is long."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from steprunners.json_types import Json
from steprunners.masking.known_secrets import hidden

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
        for chunk in _parts(value):
            written.append(chunk)
            length += len(chunk)
            if length > limit:
                return "".join(written)[:limit] + "…", False
    except (RecursionError, ValueError):
        return "".join(written)[:limit] + "…", False
    return "".join(written), True


def _parts(value: Json) -> Iterator[str]:
    """Yield the JSON text piece by piece, so that a beginning costs no more than that."""
    if isinstance(value, dict):
        yield from _enclosed("{", value.items(), "}")
    elif isinstance(value, list):
        yield from _enclosed("[", ((None, each) for each in value), "]")
    else:
        yield repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _enclosed(opening: str, members: Iterable[tuple[str | None, Json]], closing: str) -> Iterator[str]:
    yield opening
    between = ""
    for key, member in members:
        yield between if key is None else f"{between}{json.dumps(key, ensure_ascii=False)}: "
        yield from _parts(member)
        between = ", "
    yield closing


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
