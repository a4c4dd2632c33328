"""Nodes of a YAML text: find them, and find where they start and end in the text."""

from __future__ import annotations

import yaml

from flows.problems import Place


def compose_safely(text: str) -> yaml.Node:
    """Return the root node of a text that `parse_body` accepted, so that it is neither too deep nor endless."""
    root: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    if root is None:
        raise ValueError("there is no document")
    return root


def find_node(root: yaml.Node, place: Place) -> tuple[yaml.Node, Place]:
    """Return the deepest existing node on the way to the place, and the rest of the place."""
    node = root
    for depth, part in enumerate(place):
        child = child_of(node, part)
        if child is None:
            return node, place[depth:]
        node = child
    return node, ()


def child_of(node: yaml.Node, part: str | int) -> yaml.Node | None:
    """Return the item or the value of that index or key; None if the node has none."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part] if 0 <= part < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None


def start_of(node: yaml.Node) -> int:
    """Return where the node starts, in characters from the start of the text."""
    return int(node.start_mark.index)


def content_end(text: str, node: yaml.Node) -> int:
    """Return where the node's own text ends; the end mark of a block also covers the comments after it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return max(content_end(text, each) for each in (last if isinstance(last, tuple) else (last,)))
    start, end = start_of(node), int(node.end_mark.index)
    return start + len(text[start:end].rstrip())


def line_end(text: str, at: int) -> int:
    """Return where the line of this character ends, without its newline."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def is_flow(node: yaml.Node) -> bool:
    """Return whether the node is a list or mapping in brackets."""
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def key_of(parent: yaml.Node, node: yaml.Node) -> yaml.Node:
    """Return the key under which the mapping `parent` holds the node."""
    key: yaml.Node = next(key for key, each in parent.value if each is node)
    return key


def end_of_last(text: str, node: yaml.CollectionNode) -> int:
    """Return where the text of the last item or entry ends."""
    last = node.value[-1]
    return max(content_end(text, each) for each in (last if isinstance(last, tuple) else (last,)))
