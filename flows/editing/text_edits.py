"""Changes to a YAML text at their place: what stands around it, comments and layout too, stays as it is.

Places are those of problems, as tuples: `("steps", 2, "meta", "url")`. The text is cut at the marks of PyYAML's node
tree; whatever comes of it is read again, and an edit that would say anything else than it should is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import yaml

from flows.documents.parsing import parse_body
from flows.problems import FlowInvalid, Place
from flows.yaml.text import write_inline, write_yaml
from steprunners.json_types import Json

YAML = "application/yaml"
#: What is longer than this in one line is written as a block.
MAX_INLINE = 90


class CannotEdit(Exception):
    """The text cannot be changed at that place alone; the message says why, to a tester."""


def set_value(text: str, place: Place, value: Json) -> str:
    """Return the text with `value` at the place; what lies on the way there is made. Raises CannotEdit."""
    return _verified(
        text, lambda root: _set(text, root, place, value), lambda document: _put(document, place, value)
    )


def remove(text: str, place: Place) -> str:
    """Return the text without the key at the place; raise CannotEdit."""
    return _verified(text, lambda root: _remove(text, root, place), lambda document: _drop(document, place))


def insert_item(text: str, place: Place, item: dict[str, Json]) -> str:
    """Return the text with `item` in a list, in front of what is at the place (or last); raise CannotEdit."""
    *above, index = place
    return _verified(
        text,
        lambda root: _insert(text, root, tuple(above), int(index), item),
        lambda document: _put_item(document, tuple(above), int(index), item),
    )


def compose_safely(text: str) -> yaml.Node:
    """Return the root of the node tree of a text that `parse_body` has read: so it is neither deep nor endless."""
    root: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    if root is None:
        raise ValueError("there is no document")
    return root


def _verified(text: str, edit: Callable[[yaml.Node], str], expect: Callable[[Any], None]) -> str:
    try:
        document = parse_body(text.encode(), YAML)
        root = compose_safely(text)
    except (FlowInvalid, yaml.YAMLError, ValueError) as error:
        raise CannotEdit("the text is not YAML that can be read: put that right first") from error
    expected = copy.deepcopy(document)
    try:
        expect(expected)
        edited = edit(root)
        found = parse_body(edited.encode(), YAML)
    except (FlowInvalid, LookupError, TypeError, ValueError) as error:
        raise CannotEdit("this place cannot be changed by itself: change the text") from error
    if not _same(found, expected):
        raise CannotEdit("this place is shared by others (an anchor or a merge): change the text")
    return edited


def _same(found: Any, expected: Any) -> bool:
    """Whether these are the same values of the same types; the order of keys says nothing."""
    if type(found) is not type(expected):
        return False
    if isinstance(found, dict):
        return found.keys() == expected.keys() and all(_same(found[key], expected[key]) for key in found)
    if isinstance(found, list):
        return len(found) == len(expected) and all(map(_same, found, expected))
    return bool(found == expected)


# --- what the document is to be afterwards --------------------------------------------------------


def _put(document: Any, place: Place, value: Json) -> None:
    *above, last = place
    for part in above:
        is_there = isinstance(document, list) or part in document
        child = document[part] if is_there else None
        if child is None:
            child = document[part] = {}
        document = child
    document[last] = value


def _drop(document: Any, place: Place) -> None:
    *above, last = place
    for part in above:
        document = document[part]
    del document[last]


def _put_item(document: Any, above: Place, index: int, item: Json) -> None:
    *outer, last = above
    for part in outer:
        document = document[part]
    if document.get(last) is None:
        document[last] = []
    document[last].insert(index, item)


# --- cutting the text -----------------------------------------------------------------------------


def find_node(root: yaml.Node, place: Place) -> tuple[yaml.Node, Place]:
    """Return the deepest node on the way to the place that is there, and what of the place remains."""
    node = root
    for depth, part in enumerate(place):
        child = _child(node, part)
        if child is None:
            return node, place[depth:]
        node = child
    return node, ()


def _child(node: yaml.Node, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part] if 0 <= part < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None


def _start(node: yaml.Node) -> int:
    return int(node.start_mark.index)


def content_end(text: str, node: yaml.Node) -> int:
    """Return where the node's own text ends: a block's mark stands at what comes next, comments included."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return max(content_end(text, each) for each in (last if isinstance(last, tuple) else (last,)))
    start, end = _start(node), int(node.end_mark.index)
    return start + len(text[start:end].rstrip())


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _is_flow(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def _set(text: str, root: yaml.Node, place: Place, value: Json) -> str:
    node, missing = find_node(root, place)
    if not missing:
        return _replace(text, root, place, value)
    for part in reversed(missing[1:]):
        value = {str(part): value}
    if isinstance(node, yaml.MappingNode) and node.value:
        return _add_key(text, node, str(missing[0]), value)
    return _replace(text, root, place[: len(place) - len(missing)], {str(missing[0]): value})


def _replace(text: str, root: yaml.Node, place: Place, value: Json) -> str:
    node, _ = find_node(root, place)
    start, end = _start(node), content_end(text, node)
    parent, _ = find_node(root, place[:-1])
    if block := _block_entry(text, parent, place, end, value):
        return text[: _start(_key_of(parent, node))] + block + text[end:]
    if _is_level_with_its_key(parent, node):  # as lists may be, and nothing else
        start = text.index(":", content_end(text, _key_of(parent, node))) + 1
    written = write_inline(value)
    return (
        text[:start] + (written if start == 0 or text[start - 1] in " \n[{(," else " " + written) + text[end:]
    )


def _key_of(parent: yaml.Node, node: yaml.Node) -> yaml.Node:
    key: yaml.Node = next(key for key, each in parent.value if each is node)
    return key


def _is_level_with_its_key(parent: yaml.Node, node: yaml.Node) -> bool:
    is_block = parent is not node and isinstance(parent, yaml.MappingNode) and not parent.flow_style
    is_below = is_block and node.start_mark.line > _key_of(parent, node).start_mark.line
    return bool(is_below and node.start_mark.column <= parent.start_mark.column)


def _block_entry(text: str, parent: yaml.Node, place: Place, end: int, value: Json) -> str | None:
    """Return `key: value` as a block where that reads better than one line, and nothing follows on its line."""
    if (
        not isinstance(parent, yaml.MappingNode)
        or parent.flow_style
        or text[end : _line_end(text, end)].strip()
    ):
        return None
    if not _wants_block(value):
        return None
    return _entry(str(place[-1]), value, int(parent.start_mark.column))


def _wants_block(value: Json) -> bool:
    if isinstance(value, str):
        return "\n" in value
    return isinstance(value, (dict, list)) and bool(value) and len(write_inline(value)) > MAX_INLINE


def _entry(key: str, value: Json, margin: int) -> str:
    """Return `key: value`, lines after the first with the margin in front."""
    if _wants_block(value):
        return _indented(write_yaml({key: value}).rstrip("\n"), margin)
    return f"{write_inline(key)}: {write_inline(value)}"


def _indented(block: str, margin: int) -> str:
    first, *others = block.split("\n")
    return "\n".join([first, *(" " * margin + line if line else line for line in others)])


def _add_key(text: str, node: yaml.MappingNode, key: str, value: Json) -> str:
    end = _end_of_last(text, node)
    if _is_flow(node):
        return f"{text[:end]}, {write_inline(key)}: {write_inline(value)}{text[end:]}"
    margin, at = int(node.start_mark.column), _line_end(text, end)
    return f"{text[:at]}\n{' ' * margin}{_entry(key, value, margin)}{text[at:]}"


def _end_of_last(text: str, node: yaml.CollectionNode) -> int:
    last = node.value[-1]
    return max(content_end(text, each) for each in (last if isinstance(last, tuple) else (last,)))


def _remove(text: str, root: yaml.Node, place: Place) -> str:
    parent, missing = find_node(root, place[:-1])
    if missing or not isinstance(parent, yaml.MappingNode):
        raise LookupError(place)
    at = next(number for number, (key, _) in enumerate(parent.value) if key.value == place[-1])
    if len(parent.value) == 1:
        return _replace(text, root, place[:-1], {})
    key, value = parent.value[at]
    end = max(content_end(text, key), content_end(text, value))
    if at == 0:
        return text[: _start(key)] + text[_start(parent.value[1][0]) :]
    if _is_flow(parent):
        before = parent.value[at - 1]
        return text[: max(content_end(text, each) for each in before)] + text[end:]
    line = text.rfind("\n", 0, _start(key))
    return text[:line] + text[_line_end(text, end) :]


def _insert(text: str, root: yaml.Node, above: Place, index: int, item: dict[str, Json]) -> str:
    node, missing = find_node(root, above)
    if missing or not isinstance(node, yaml.SequenceNode) or not node.value:
        return _first_item(text, root, above, item)
    before = node.value[min(index, len(node.value)) - 1] if index else None
    if _is_flow(node):
        at = content_end(text, before) if before else _start(node.value[0])
        written = write_inline(item)
        return f"{text[:at]}, {written}{text[at:]}" if before else f"{text[:at]}{written}, {text[at:]}"
    margin = int(node.start_mark.column)
    gap = "\n" if _has_gaps(text, node) else ""
    if before is None:
        at = _start(node)
        return f"{text[:at]}{_item(item, margin)}\n{gap}{' ' * margin}{text[at:]}"
    at = _line_end(text, content_end(text, before))
    return f"{text[:at]}\n{gap}{' ' * margin}{_item(item, margin)}{text[at:]}"


def _first_item(text: str, root: yaml.Node, above: Place, item: dict[str, Json]) -> str:
    parent, missing = find_node(root, above[:-1])
    if missing or not isinstance(parent, yaml.MappingNode):
        raise LookupError(above)
    node = _child(parent, above[-1])
    if _is_flow(parent) or not parent.value:
        return _set(text, root, above, [item])
    margin = int(parent.start_mark.column)
    entry = f"{write_inline(str(above[-1]))}:\n{' ' * (margin + 2)}{_item(item, margin + 2)}"
    if node is None:
        at = _line_end(text, _end_of_last(text, parent))
        return f"{text[:at]}\n{' ' * margin}{entry}{text[at:]}"
    key = _key_of(parent, node)
    end = _line_end(text, max(content_end(text, key), content_end(text, node)))
    return text[: _start(key)] + entry + text[end:]


def _item(item: dict[str, Json], margin: int) -> str:
    entries = [_entry(key, value, margin + 2) for key, value in item.items()]
    return "- " + f"\n{' ' * (margin + 2)}".join(entries)


def _has_gaps(text: str, node: yaml.SequenceNode) -> bool:
    """Whether blank lines stand between the items."""
    pairs = zip(node.value, node.value[1:], strict=False)
    return any(
        "\n\n" in text[content_end(text, one) : _start(other)].replace(" ", "") for one, other in pairs
    )
