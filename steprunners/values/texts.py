"""Says that a path leads into a text, and why that text was not parsed.

A result tells what it knows beside the text: `bodyEncoding` and the content type, `valueEncoding`. Everything else is
found out here, and only where a path failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from jsonpath_rfc9535.segments import JSONPathRecursiveDescentSegment, JSONPathSegment
from jsonpath_rfc9535.selectors import IndexSelector, JSONPathSelector, NameSelector

from steprunners.budgets.effort import tick
from steprunners.json_types import Json
from steprunners.masking.known_secrets import shorten
from steprunners.values.received_json import NotJson, parse_received

#: A longer text is not parsed again for a message.
_LONGEST = 1024 * 1024
#: Of a list, only so many elements are looked at.
_MOST = 100

_Key = str | int
_Place = tuple[_Key, ...]


class Text(NamedTuple):
    """A text that a path leads into: its place, and the value that holds it (None where the text is the whole)."""

    text: str
    holder: Json = None
    place: _Place = ()

    def why(self, where: str) -> str:
        """Return that it is text, and why: `body is text, because its content type is text/html`."""
        record = self.holder if isinstance(self.holder, dict) else {}
        key = self.place[-1] if self.place else ""
        encoding = record.get(f"{key}Encoding")
        if encoding == "base64":
            return f"{where} is base64, because its bytes are not text"
        if not self.text:
            return f"{where} is empty"
        if encoding == "text":
            return f"{where} is text{_reason(record, self.text, is_body=key == 'body')}"
        return f"{where} is text, not an object or a list{_unparsed(self.text)}"


def _reason(record: dict[str, Json], text: str, *, is_body: bool) -> str:
    if record.get("json") is not None:  # of redis
        return ", and the JSON in it is json"
    headers = record.get("headers")
    content_type = str(headers.get("content-type", "")) if is_body and isinstance(headers, dict) else ""
    if content_type and not _promises_json(content_type):
        return f", because its content type is {shorten(content_type, 100)}{_unparsed(text)}"
    if is_body and not content_type and not _looks_like_json(text):
        return ", because it has no content type and does not begin like JSON"
    wrong = why_not_json(text)
    if wrong is not None:
        return f", because it is not valid JSON: {wrong}"
    return ", because its bytes are not UTF-8, as JSON has to be" if is_body else ", not an object or a list"


def _promises_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower().endswith(("/json", "+json"))


def _unparsed(text: str) -> str:
    if not _looks_like_json(text):
        return ""
    wrong = why_not_json(text)
    return "; the JSON in it is not parsed" if wrong is None else f"; it is not valid JSON either: {wrong}"


def _looks_like_json(text: str) -> bool:
    return text[:_MOST].lstrip()[:1] in ("{", "[")


def text_itself(record: dict[str, Json], key: str) -> str:
    """Return a hint where `key` asks for the text beside a value that is that text itself; else an empty text."""
    value = key.removesuffix("Text")
    return (
        f": {value} is the text itself" if value != key and record.get(f"{value}Encoding") == "text" else ""
    )


def why_not_json(text: str) -> str | None:
    """Return why the text is not valid JSON, None where it is."""
    tick()
    if len(text) > _LONGEST:
        return "it is too long to look for the reason"
    try:
        parse_received(text)
    except NotJson as error:
        return str(error)
    return None


class _Node(NamedTuple):
    value: Json
    holder: Json
    place: _Place


def text_on_the_way(value: Json, segments: Iterable[JSONPathSegment]) -> Text | None:
    """Return the first text into which the segments of a JSONPath lead; None where there is none."""
    nodes = [_Node(value, None, ())]
    for segment in segments:
        for node in nodes:
            if isinstance(node.value, str):
                return Text(node.value, node.holder, node.place)
        if isinstance(segment, JSONPathRecursiveDescentSegment):
            return _encoded_text_in(nodes)
        nodes = [child for node in nodes for child in _selected(node, segment.selectors)][:_MOST]
    return None


def _encoded_text_in(nodes: Iterable[_Node]) -> Text | None:
    """Return the first text beside an encoding: one that would have been parsed, had it been JSON."""
    for node in nodes:
        for key, child in _members(node.value).items():
            if isinstance(child, str) and isinstance(node.value, dict) and f"{key}Encoding" in node.value:
                return Text(child, node.value, (*node.place, key))
    return None


def _selected(node: _Node, selectors: Iterable[JSONPathSelector]) -> Iterable[_Node]:
    members = _members(node.value)
    for selector in selectors:
        wanted = _named(selector)
        for key in members if wanted is None else [wanted]:
            if key in members:
                yield _Node(members[key], node.value, (*node.place, key))


def _members(value: Json) -> dict[_Key, Json]:
    if isinstance(value, dict):
        return dict(value.items())
    return dict(enumerate(value[:_MOST])) if isinstance(value, list) else {}


def _named(selector: JSONPathSelector) -> _Key | None:
    """Return the one key that the selector names, None for one that may select several."""
    if isinstance(selector, NameSelector):
        return selector.name
    return selector.index if isinstance(selector, IndexSelector) else None
