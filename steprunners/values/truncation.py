"""Cuts a result that is too large to store. Its large parts are cut, and its small parts stay whole.

The text beside what was parsed from it (`bodyText`) goes first. A size is that of the JSON text with ASCII escapes (as
`json.dumps` writes it). Inside a container, members larger than a sixteenth of its budget share the room that the small
members leave. Where even the small ones are too many, the last ones are dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii

from jsonpath_rfc9535.segments import JSONPathChildSegment
from jsonpath_rfc9535.selectors import IndexSelector, NameSelector

from steprunners.json_types import Json
from steprunners.masking.credentials import TEXT_OF
from steprunners.values.jsonpath import JsonPath
from steprunners.values.paths import parse_path, show_path

LIMIT_BYTES = 1024 * 1024
_LARGE_PART = 16
_MAX_PATHS = 1_000
_SMALLEST_SHARE = 64

_Place = tuple[str | int, ...]
_Key = str | int


@dataclass(frozen=True)
class Cut:
    """The rest of a value, and the places where it was cut (in the syntax of `paths`).

    The place of a shortened text or container is its own. Its remaining members are whole unless they are named too.
    """

    value: Json
    paths: list[str]


def cut(value: Json, limit_bytes: int = LIMIT_BYTES) -> Cut:
    """Return as much of `value` as `limit_bytes` of JSON text hold; `limit_bytes` is 4 or more.

    A value that is not JSON, or nested too deeply, becomes null.
    """
    try:
        if _size(value) <= limit_bytes:
            return Cut(value, [])
        shears = _Shears()
        shortened = shears.without_texts(value, ())
        if _size(shortened) > limit_bytes:
            shortened = shears.fit(shortened, limit_bytes, ())
    except (RecursionError, ValueError, TypeError):
        return Cut(None, ["$"])
    return Cut(shortened, [show_path(place) or "$" for place in shears.places[:_MAX_PATHS]])


def touches_cut(path: str, cut_paths: Iterable[str]) -> bool:
    """Whether the value at `path` of a result, or a part of it, was cut.

    The value must exist. A JSONPath may lead anywhere inside the place that its first names and indexes give.
    """
    cuts = [() if text == "$" else parse_path(text) for text in cut_paths]
    asked = parse_path(path)
    if isinstance(asked, JsonPath):
        meant = [_fixed_place(asked)]
    else:
        meant = [asked] if asked[0] != "response" else [asked, asked[1:], ("body", *asked[1:])]
    return any(
        place[: len(each)] == each for place in cuts if not isinstance(place, JsonPath) for each in meant
    )


def _fixed_place(query: JsonPath) -> tuple[str, ...]:
    """Return the place that the query names before it searches: `$.body.items[*].id` searches `body.items`."""
    place: list[str] = []
    for segment in query.query.segments:
        match segment.selectors:
            case [NameSelector(name=name)] if isinstance(segment, JSONPathChildSegment):
                place.append(name)
            case [IndexSelector(index=index)] if isinstance(segment, JSONPathChildSegment) and index >= 0:
                place.append(str(index))
            case _:
                break
    return tuple(place)


class _Shears:
    """Cuts one value and remembers the places."""

    def __init__(self) -> None:
        self.places: list[_Place] = []

    def without_texts(self, value: Json, place: _Place) -> Json:
        """Return the value without the texts that stand beside what was parsed from them: they are dropped first."""
        if isinstance(value, list):
            return [self.without_texts(each, (*place, at)) for at, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        texts = {
            text for key, text in TEXT_OF.items() if value.get(f"{key}Encoding") == "json" and text in value
        }
        self.places += [(*place, text) for text in texts]
        return {
            key: self.without_texts(each, (*place, key)) for key, each in value.items() if key not in texts
        }

    def fit(self, value: Json, budget: int, place: _Place) -> Json:
        """Return as much of `value` as `budget` bytes of JSON hold; the value is larger."""
        if isinstance(value, str):
            self.places.append(place)
            return _prefix(value, budget)
        if isinstance(value, list):
            return [member for _, member in self._members(list(enumerate(value)), budget, place)]
        if isinstance(value, dict):
            return {str(key): member for key, member in self._members(list(value.items()), budget, place)}
        self.places.append(place)  # a number with thousands of digits
        return None

    def _members(
        self, members: list[tuple[_Key, Json]], budget: int, place: _Place
    ) -> list[tuple[_Key, Json]]:
        room = budget - 2  # the brackets
        sizes = [_size(member) + _overhead(key) for key, member in members]
        share = _share(sizes, room)
        kept: list[tuple[_Key, Json]] = []
        for (key, member), size in zip(members, sizes, strict=True):
            allowed = min(share, room)
            if size <= allowed:
                kept.append((key, member))
                room -= size
                continue
            inside = allowed - _overhead(key)
            if inside < _SMALLEST_SHARE:
                self.places.append(place)
                break
            kept.append((key, self.fit(member, inside, (*place, key))))
            room -= _size(kept[-1][1]) + _overhead(key)
        return kept


def _share(sizes: list[int], room: int) -> int:
    """Return how many bytes one member may have: the large ones share the room that the small ones leave."""
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
    return 2 + (_size(key) + 2 if isinstance(key, str) else 0)


_encode = json.JSONEncoder().encode


def _size(value: Json) -> int:
    if isinstance(value, str):
        return len(encode_basestring_ascii(value))
    if type(value) is int:
        return len(str(value))
    return len(_encode(value))


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
