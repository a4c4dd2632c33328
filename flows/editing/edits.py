"""Changes to one place of a YAML text. The rest of the text stays as it is, comments and layout included.

Places are those of problems, as tuples: `("steps", 2, "meta", "url")`. Every changed text is parsed again. If it
then says anything else than it should, the change is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import yaml

from flows.documents.parsing import parse_body
from flows.editing.document_edits import drop_value, put_item, put_value, same_values
from flows.editing.nodes import compose_safely
from flows.editing.text_edits import insert_in_text, remove_from_text, set_in_text
from flows.problems import FlowInvalid, Place
from steprunners.json_types import Json

YAML = "application/yaml"


class CannotEdit(Exception):
    """The text cannot be changed at that place alone; the message tells a tester why."""


def set_value(text: str, place: Place, value: Json) -> str:
    """Return the text with `value` at the place; missing mappings on the way are created. Raises CannotEdit."""
    return _verified(
        text,
        lambda root: set_in_text(text, root, place, value),
        lambda document: put_value(document, place, value),
    )


def remove(text: str, place: Place) -> str:
    """Return the text without the key at the place; raise CannotEdit."""
    return _verified(
        text, lambda root: remove_from_text(text, root, place), lambda document: drop_value(document, place)
    )


def insert_item(text: str, place: Place, item: dict[str, Json]) -> str:
    """Return the text with `item` in a list, before the item at the place (or last); raise CannotEdit."""
    *above, index = place
    return _verified(
        text,
        lambda root: insert_in_text(text, root, tuple(above), int(index), item),
        lambda document: put_item(document, tuple(above), int(index), item),
    )


def _verified(text: str, edit: Callable[[yaml.Node], str], expect: Callable[[Any], None]) -> str:
    try:
        document = parse_body(text.encode(), YAML)
        root = compose_safely(text)
    except (FlowInvalid, yaml.YAMLError, ValueError) as error:
        raise CannotEdit("the text is not valid YAML: correct it first") from error
    expected = copy.deepcopy(document)
    try:
        expect(expected)
        edited = edit(root)
        found = parse_body(edited.encode(), YAML)
    except (FlowInvalid, LookupError, TypeError, ValueError) as error:
        raise CannotEdit("this place cannot be changed on its own: edit the text") from error
    if not same_values(found, expected):
        raise CannotEdit("other places share this one (an anchor or a merge): edit the text")
    return edited
