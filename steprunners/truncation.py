"""Cuts a result that is too large to store, where its bytes are: what is small beside it stays whole.

Sizes are those of the JSON text with ASCII escapes (as `json.dumps` writes it). Inside a container, members larger than a
sixteenth of its budget share what the small ones leave; where even the small ones are too many, the last are dropped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from steprunners.json_types import Json
from steprunners.paths import show_path

LIMIT_BYTES = 1024 * 1024
_LARGE_PART = 16
_MAX_PATHS = 1_000
_SMALLEST_SHARE = 64

_Place = tuple[str | int, ...]
_Key = str | int


@dataclass(frozen=True)
class Cut:
    """What is left of a value, and the places (in the syntax of `paths`) where something was taken away.

    A shortened text or container is named itself: its remaining members are whole unless they are named too.
    """

    value: Json
    paths: list[str]


def cut(value: Json, limit_bytes: int = LIMIT_BYTES) -> Cut:
    """Return `value` whose JSON text has at most `limit_bytes` (at least 2); values that raise in json.dumps become null."""
    try:
        if len(json.dumps(value)) <= limit_bytes:
            return Cut(value, [])
        shears = _Shears()
        shortened = shears.fit(value, limit_bytes, ())
    except (RecursionError, ValueError, TypeError):
        return Cut(None, ["$"])
    return Cut(shortened, [show_path(place) or "$" for place in shears.places[:_MAX_PATHS]])


def touches_cut(path: Sequence[str | int], cut_places: Sequence[Sequence[str | int]]) -> bool:
    """Whether what stands at `path` lacks something: it, or a part of it, was cut."""
    return any(list(place[: len(path)]) == list(path) for place in cut_places)


class _Shears:
    """Cuts one value and remembers where."""

    def __init__(self) -> None:
        self.places: list[_Place] = []

    def fit(self, value: Json, budget: int, place: _Place) -> Json:
        """Return as much of `value` as `budget` bytes of JSON hold."""
        if _size(value) <= budget:
            return value
        self.places.append(place)
        if isinstance(value, str):
            return _prefix(value, budget)
        if isinstance(value, list):
            return [member for _, member in self._members(list(enumerate(value)), budget, place)]
        if isinstance(value, dict):
            return {str(key): member for key, member in self._members(list(value.items()), budget, place)}
        return None

    def _members(
        self, members: Sequence[tuple[_Key, Json]], budget: int, place: _Place
    ) -> list[tuple[_Key, Json]]:
        room = budget - 2  # the brackets
        overheads = [_overhead(key) for key, _ in members]
        sizes = [_size(member) + overhead for (_, member), overhead in zip(members, overheads, strict=True)]
        share = _share(sizes, room)
        kept: list[tuple[_Key, Json]] = []
        at = len(self.places)
        for (key, member), size, overhead in zip(members, sizes, overheads, strict=True):
            allowed = min(size, share, room) - overhead
            if size <= min(share, room):
                kept.append((key, member))
            elif allowed >= _SMALLEST_SHARE:
                kept.append((key, self.fit(member, allowed, (*place, key))))
                size = _size(kept[-1][1]) + overhead
            else:
                break
            room -= size
        if len(kept) == len(members):
            # Nothing was dropped from the container itself, only inside its members.
            del self.places[at - 1]
        return kept


def _share(sizes: list[int], room: int) -> int:
    """Return how many bytes one member may have: the large ones share what the small ones leave."""
    ceiling = room // _LARGE_PART
    large = sorted(size for size in sizes if size > ceiling)
    left = room - sum(size for size in sizes if size <= ceiling)
    if not large or left < len(large) * _SMALLEST_SHARE:
        return max(ceiling, _SMALLEST_SHARE)
    for position, size in enumerate(large):
        share = left // (len(large) - position)
        if size > share:
            return max(share, ceiling)
        left -= size
    return room


def _overhead(key: _Key) -> int:
    return 2 + (len(json.dumps(key)) + 2 if isinstance(key, str) else 0)


def _size(value: Json) -> int:
    return len(json.dumps(value))


def _prefix(text: str, budget: int) -> str:
    """Return the longest beginning whose JSON text has at most `budget` bytes."""
    low, high = 0, min(len(text), budget)
    while low < high:
        middle = (low + high + 1) // 2
        if _size(text[:middle]) <= budget:
            low = middle
        else:
            high = middle - 1
    return text[:low]
