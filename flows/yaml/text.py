"""YAML to JSON values and back, with the meaning that JSON has: no dates, no `yes`/`no`, no octal numbers.

PyYAML's own loaders follow YAML 1.1 (`on` is true, `2024-01-01` is a date, `1:30` is 90), recurse once a
level and let aliases multiply. So the document is built here from the events of its C parser: duplicate keys,
foreign tags and too many values, aliases expanded, are refused with line and column.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from math import inf
from typing import Any

import yaml

from flows.problems import FlowInvalid, invalid
from flows.yaml.scalars import NotJSON, needs_quotes, read_plain
from steprunners.budgets.effort import tick, working
from steprunners.json_types import Json
from steprunners.values.json_text import ExactFloat

_CORE = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "null", "seq", "map"))
_MERGE = object()
MAX_DOCUMENTS = 1_000


def read_yaml(text: str, *, max_nodes: int, max_depth: int) -> list[Json]:
    """Return the documents of the text; raise FlowInvalid with line and column where it cannot be read."""
    builder = _Builder(max_nodes, max_depth)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            tick()
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise invalid(
            "parse_error", _where(error.problem_mark or error.context_mark, _reason(error))
        ) from error
    except (yaml.YAMLError, ValueError) as error:  # control characters; ValueError: lone surrogates
        raise invalid("parse_error", f"this is not YAML: {str(error).splitlines()[0]}") from error
    return builder.documents or [None]


@working(processor=inf)
def write_yaml(value: Json) -> str:
    """Return the value as YAML text that `read_yaml` reads back as the same value (no lone surrogates)."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def write_inline(value: Json) -> str:
    """Return the value as YAML text of one line, which means the same wherever a value may stand."""
    written: str = yaml.dump(
        [value],
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=-1,  # without end
        default_flow_style=True,
    )
    return written.strip()[1:-1]


def _where(mark: Any, message: str) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: {message}" if mark else message


def _reason(error: yaml.MarkedYAMLError) -> str:
    parts = [str(part) for part in (error.context, error.problem) if part]
    return "this is not YAML: " + ", ".join(parts)


# --- reading --------------------------------------------------------------------------------------


@dataclass
class _Open:
    """A list or object that is being read; `key` is the key whose value comes next."""

    value: list[Any] | dict[str, Any]
    mark: Any
    anchor: str | None
    nodes_before: int
    key: Any = None
    has_key: bool = False
    merged: list[dict[str, Any]] = field(default_factory=list)


class _Builder:
    """Builds documents from parser events with a stack of its own, so depth costs no recursion."""

    def __init__(self, max_nodes: int, max_depth: int) -> None:
        self.documents: list[Json] = []
        self._max_nodes = max_nodes
        self._max_depth = max_depth
        self._nodes = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}

    def take(self, event: Any) -> None:
        """Take the parser's next event."""
        match event:
            case yaml.ScalarEvent():
                self._count(1, event)
                value = self._key_or_scalar(event)
                self._name(event.anchor, value, 1)
                self._put(value, event)
            case yaml.SequenceStartEvent():
                self._start([], event)
            case yaml.MappingStartEvent():
                self._start({}, event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._end(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._anchors = {}

    def _key_or_scalar(self, event: yaml.ScalarEvent) -> Any:
        if self._expects_key() and event.value == "<<" and event.implicit[0]:
            return _MERGE
        return _scalar(event)

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and not self._open[-1].has_key

    def _start(self, value: list[Any] | dict[str, Any], event: Any) -> None:
        _check_tag(event)
        self._count(1, event)
        if self._expects_key():
            raise _at(event.start_mark, "a key has to be text, not a list or an object")
        if len(self._open) >= self._max_depth:
            raise _at(event.start_mark, f"nested more than {self._max_depth} levels deep", "too_deep")
        self._open.append(_Open(value, event.start_mark, event.anchor, self._nodes - 1))

    def _end(self, event: Any) -> None:
        ended = self._open.pop()
        if isinstance(ended.value, dict):
            for merged in ended.merged:  # the first of several wins, and what is written out wins over all
                for key, value in merged.items():
                    ended.value.setdefault(key, value)
        self._name(ended.anchor, ended.value, self._nodes - ended.nodes_before)
        self._put(ended.value, event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise _at(event.start_mark, f"there is no &{event.anchor} above (or it holds itself)")
        value, nodes = self._anchors[event.anchor]
        self._count(nodes, event)
        self._put(copy.deepcopy(value), event)

    def _name(self, anchor: str | None, value: Any, nodes: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, nodes)

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > self._max_nodes:
            raise _at(event.start_mark, f"more than {self._max_nodes} values, aliases expanded", "too_large")

    def _put(self, value: Any, event: Any) -> None:
        if not self._open:
            self.documents.append(value)
            if len(self.documents) > MAX_DOCUMENTS:
                raise _at(event.start_mark, f"more than {MAX_DOCUMENTS} documents", "too_large")
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif not parent.has_key:
            parent.key, parent.has_key = self._checked_key(parent, value, event), True
        else:
            self._put_in_object(parent, value, event)

    def _checked_key(self, parent: _Open, key: Any, event: Any) -> Any:
        if key is _MERGE:
            return key
        if not isinstance(key, str):
            raise _at(event.start_mark, f"the key {_shown(key)} is not text: write it in quotes", "not_json")
        if key in parent.value:
            raise _at(event.start_mark, f"the key '{key[:80]}' appears twice in one object", "duplicate_key")
        return key

    def _put_in_object(self, parent: _Open, value: Any, event: Any) -> None:
        assert isinstance(parent.value, dict)  # noqa: S101 - tells the type checker what _put has found out
        parent.has_key = False
        if parent.key is not _MERGE:
            parent.value[parent.key] = value
            return
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise _at(event.start_mark, "<< takes an object or a list of objects")
        parent.merged += sources


def _scalar(event: yaml.ScalarEvent) -> Json:
    _check_tag(event)
    is_plain = event.implicit[0] or (
        event.tag is not None and event.tag != _CORE + "str" and event.tag != "!"
    )
    if not is_plain:
        return str(event.value)
    try:
        return read_plain(event.value)
    except NotJSON as error:
        raise _at(event.start_mark, str(error), "not_json") from error


def _check_tag(event: Any) -> None:
    if event.tag is not None and event.tag != "!" and event.tag not in _KNOWN_TAGS:
        raise _at(event.start_mark, f"the tag {event.tag[:80]} has no meaning here")


def _shown(value: Any) -> str:
    return json.dumps(value)[:60]


def _at(mark: Any, message: str, code: str = "parse_error") -> FlowInvalid:
    return invalid(code, _where(mark, message))


# --- writing --------------------------------------------------------------------------------------


class _Dumper(yaml.CSafeDumper):
    """Writes long text in block style, and quotes what YAML 1.1 or 1.2 would not read as text."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Write repeated values out: an alias would surprise a reader."""
        tick()
        return True

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        """Write keys on one line: a block as a key is more than some readers, and `editing`, take."""
        node: yaml.MappingNode = super().represent_mapping(tag, mapping, flow_style)
        for key, _ in node.value:
            key.style = '"' if key.style == "|" else key.style
        return node


def _represent_text(dumper: Any, text: str) -> Any:
    is_block = "\n" in text and _fits_a_block(text)
    return dumper.represent_scalar(_CORE + "str", text, style="|" if is_block else _quote_of(text))


def _fits_a_block(text: str) -> bool:
    """Return whether the text reads well as a block; empty lines at its end would not stay."""
    *lines, last = text.removesuffix("\n").split("\n")
    return bool(last) and all(line == line.rstrip() and line.isprintable() for line in (*lines, last))


def _quote_of(text: str) -> str | None:
    if not text.isprintable():
        return '"'  # the style that has escapes
    return "'" if text == "<<" or needs_quotes(text) else None


def _represent_exact_float(dumper: Any, number: ExactFloat) -> Any:
    """Write the digits as they were read, in the form that YAML 1.1 and 1.2 read as a number."""
    mantissa, exponent_mark, exponent = number.text.lower().partition("e")
    mantissa += "" if "." in mantissa else ".0"
    sign = "+" if exponent and exponent[0] not in "+-" else ""
    return dumper.represent_scalar(_CORE + "float", f"{mantissa}{exponent_mark}{sign}{exponent}")


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(ExactFloat, _represent_exact_float)
