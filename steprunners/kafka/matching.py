"""Which messages a step looks for, and why another one is not it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from steprunners.display import show
from steprunners.json_types import Json
from steprunners.kafka.messages import Message, key_to_bytes, text_or_base64, to_bytes
from steprunners.patterns import PatternError, compile_jsonpath, compile_regex

MatchType = Literal["exact", "regex", "jsonpath"]

#: Returns why a message is not it; None where it may be.
Predicate = Callable[[Message], str | None]


class Matcher:
    """The predicates of a step; a message is looked for where all of them hold."""

    def __init__(
        self, *, pattern: tuple[MatchType, str] | None, key: Json, headers: Mapping[str, Json]
    ) -> None:
        """Compile them; raises PatternError where the pattern is not one."""
        self.predicates: list[Predicate] = []
        if key is not None:
            self.predicates.append(_key_is(key))
        self.predicates += [_header_is(name, value) for name, value in headers.items()]
        if pattern is not None:
            self.predicates.append(_BY_TYPE[pattern[0]](pattern[1]))

    def matches(self, message: Message) -> bool:
        """Whether every predicate holds."""
        return all(predicate(message) is None for predicate in self.predicates)

    def reasons(self, message: Message) -> list[str]:
        """Return why the message is not it: one reason for each predicate that does not hold."""
        return [reason for predicate in self.predicates if (reason := predicate(message)) is not None]


def _key_is(wanted: Json) -> Predicate:
    expected = key_to_bytes(wanted)
    shown = show(wanted)

    def predicate(message: Message) -> str | None:
        return None if message.key_bytes == expected else f"its key is {show(message.key)}, not {shown}"

    return predicate


def _header_is(name: str, wanted: Json) -> Predicate:
    expected = None if wanted is None else to_bytes(wanted)

    def predicate(message: Message) -> str | None:
        values = [value for each, value in message.header_items if each == name]
        if not values:
            return f"it has no header {name}"
        return None if expected in values else f"its header {name} is {_shown(values)}, not {show(wanted)}"

    return predicate


def _shown(values: list[bytes | None]) -> str:
    return " and ".join(show(None if value is None else text_or_base64(value)[0]) for value in values)


def _contains(pattern: str) -> Predicate:
    expected = to_bytes(pattern)

    def predicate(message: Message) -> str | None:
        if message.value_bytes is None:
            return "it is a tombstone: it has no value"
        return None if expected in message.value_bytes else f"its value does not contain {show(pattern)}"

    return predicate


def _matches_regex(pattern: str) -> Predicate:
    regex = compile_regex(pattern)

    def predicate(message: Message) -> str | None:
        if message.value_bytes is None:
            return "it is a tombstone: it has no value"
        return None if regex.search(message.value_bytes) else f"its value does not match {show(pattern)}"

    return predicate


def _selected_by(pattern: str) -> Predicate:
    query = compile_jsonpath(pattern)

    def predicate(message: Message) -> str | None:
        value, encoding = message.decoded
        if encoding != "json":
            return "it is a tombstone: it has no value" if encoding == "null" else "its value is not JSON"
        try:
            found = query.select(value) or query.select([value])
        except PatternError as problem:
            return str(problem)
        return None if found else f"{pattern} selects nothing in its value"

    return predicate


_BY_TYPE: dict[MatchType, Callable[[str], Predicate]] = {
    "exact": _contains,
    "regex": _matches_regex,
    "jsonpath": _selected_by,
}
