"""Changes to a parsed document: what a changed text has to say when it is read again."""

from __future__ import annotations

from typing import Any

from flows.problems import Place
from steprunners.json_types import Json


def put_value(document: Any, place: Place, value: Json) -> None:
    """Set the value at the place; missing mappings on the way are created."""
    *above, last = place
    for part in above:
        is_there = isinstance(document, list) or part in document
        child = document[part] if is_there else None
        if child is None:
            child = document[part] = {}
        document = child
    document[last] = value


def drop_value(document: Any, place: Place) -> None:
    """Remove what is at the place; raise LookupError if there is nothing."""
    *above, last = place
    for part in above:
        document = document[part]
    del document[last]


def put_item(document: Any, above: Place, index: int, item: Json) -> None:
    """Insert the item into the list at `above`, before `index`; a missing list is created."""
    *outer, last = above
    for part in outer:
        document = document[part]
    if document.get(last) is None:
        document[last] = []
    document[last].insert(index, item)


def same_values(found: Any, expected: Any) -> bool:
    """Return whether both are the same values of the same types; the order of keys does not count."""
    if type(found) is not type(expected):
        return False
    if isinstance(found, dict):
        return found.keys() == expected.keys() and all(
            same_values(found[key], expected[key]) for key in found
        )
    if isinstance(found, list):
        return len(found) == len(expected) and all(map(same_values, found, expected))
    return bool(found == expected)
