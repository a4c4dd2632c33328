"""Changes to a YAML text at one place: the text is cut at the marks of PyYAML's node tree, and put together anew.

`root` is the node tree of `text`. `edits` verifies what comes of it.
"""

from __future__ import annotations

import yaml

from flows.editing.nodes import (
    child_of,
    content_end,
    end_of_last,
    find_node,
    is_flow,
    key_of,
    line_end,
    start_of,
)
from flows.problems import Place
from flows.yaml.text import write_inline, write_yaml
from steprunners.json_types import Json

#: A value whose line would be longer than this is written as a block.
MAX_INLINE = 90


def set_in_text(text: str, root: yaml.Node, place: Place, value: Json) -> str:
    """Return the text with the value at the place; missing mappings on the way are created."""
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
    start, end = start_of(node), content_end(text, node)
    parent, _ = find_node(root, place[:-1])
    if block := _block_entry(text, parent, place, end, value):
        return text[: start_of(key_of(parent, node))] + block + text[end:]
    if _is_level_with_its_key(parent, node):  # as lists may be, and nothing else
        start = text.index(":", content_end(text, key_of(parent, node))) + 1
    written = write_inline(value)
    return (
        text[:start] + (written if start == 0 or text[start - 1] in " \n[{(," else " " + written) + text[end:]
    )


def _is_level_with_its_key(parent: yaml.Node, node: yaml.Node) -> bool:
    is_block = parent is not node and isinstance(parent, yaml.MappingNode) and not parent.flow_style
    is_below = is_block and node.start_mark.line > key_of(parent, node).start_mark.line
    return bool(is_below and node.start_mark.column <= parent.start_mark.column)


def _block_entry(text: str, parent: yaml.Node, place: Place, end: int, value: Json) -> str | None:
    """Return `key: value` as a block; None if one line reads better, or if something follows on the line."""
    if (
        not isinstance(parent, yaml.MappingNode)
        or parent.flow_style
        or text[end : line_end(text, end)].strip()
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
    """Return `key: value`, with the margin before every line but the first."""
    if _wants_block(value):
        return _indented(write_yaml({key: value}).rstrip("\n"), margin)
    return f"{write_inline(key)}: {write_inline(value)}"


def _indented(block: str, margin: int) -> str:
    first, *others = block.split("\n")
    return "\n".join([first, *(" " * margin + line if line else line for line in others)])


def _add_key(text: str, node: yaml.MappingNode, key: str, value: Json) -> str:
    end = end_of_last(text, node)
    if is_flow(node):
        return f"{text[:end]}, {write_inline(key)}: {write_inline(value)}{text[end:]}"
    margin, at = int(node.start_mark.column), line_end(text, end)
    return f"{text[:at]}\n{' ' * margin}{_entry(key, value, margin)}{text[at:]}"


def remove_from_text(text: str, root: yaml.Node, place: Place) -> str:
    """Return the text without the key at the place; raise LookupError if its mapping is missing."""
    parent, missing = find_node(root, place[:-1])
    if missing or not isinstance(parent, yaml.MappingNode):
        raise LookupError(place)
    at = next(number for number, (key, _) in enumerate(parent.value) if key.value == place[-1])
    if len(parent.value) == 1:
        return _replace(text, root, place[:-1], {})
    key, value = parent.value[at]
    end = max(content_end(text, key), content_end(text, value))
    if at == 0:
        return text[: start_of(key)] + text[start_of(parent.value[1][0]) :]
    if is_flow(parent):
        before = parent.value[at - 1]
        return text[: max(content_end(text, each) for each in before)] + text[end:]
    line = text.rfind("\n", 0, start_of(key))
    return text[:line] + text[line_end(text, end) :]


def insert_in_text(text: str, root: yaml.Node, above: Place, index: int, item: dict[str, Json]) -> str:
    """Return the text with the item in the list at `above`, before `index` (or last)."""
    node, missing = find_node(root, above)
    if missing or not isinstance(node, yaml.SequenceNode) or not node.value:
        return _first_item(text, root, above, item)
    before = node.value[min(index, len(node.value)) - 1] if index else None
    if is_flow(node):
        at = content_end(text, before) if before else start_of(node.value[0])
        written = write_inline(item)
        return f"{text[:at]}, {written}{text[at:]}" if before else f"{text[:at]}{written}, {text[at:]}"
    margin = int(node.start_mark.column)
    gap = "\n" if _has_gaps(text, node) else ""
    if before is None:
        at = start_of(node)
        return f"{text[:at]}{_item(item, margin)}\n{gap}{' ' * margin}{text[at:]}"
    at = line_end(text, content_end(text, before))
    return f"{text[:at]}\n{gap}{' ' * margin}{_item(item, margin)}{text[at:]}"


def _first_item(text: str, root: yaml.Node, above: Place, item: dict[str, Json]) -> str:
    parent, missing = find_node(root, above[:-1])
    if missing or not isinstance(parent, yaml.MappingNode):
        raise LookupError(above)
    node = child_of(parent, above[-1])
    if is_flow(parent) or not parent.value:
        return set_in_text(text, root, above, [item])
    margin = int(parent.start_mark.column)
    entry = f"{write_inline(str(above[-1]))}:\n{' ' * (margin + 2)}{_item(item, margin + 2)}"
    if node is None:
        at = line_end(text, end_of_last(text, parent))
        return f"{text[:at]}\n{' ' * margin}{entry}{text[at:]}"
    key = key_of(parent, node)
    end = line_end(text, max(content_end(text, key), content_end(text, node)))
    return text[: start_of(key)] + entry + text[end:]


def _item(item: dict[str, Json], margin: int) -> str:
    entries = [_entry(key, value, margin + 2) for key, value in item.items()]
    return "- " + f"\n{' ' * (margin + 2)}".join(entries)


def _has_gaps(text: str, node: yaml.SequenceNode) -> bool:
    """Return whether there are blank lines between the items."""
    pairs = zip(node.value, node.value[1:], strict=False)
    return any(
        "\n\n" in text[content_end(text, one) : start_of(other)].replace(" ", "") for one, other in pairs
    )
