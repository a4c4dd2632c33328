"""Which messages a step searches for, and why another message does not match."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from steprunners.clients.binary import shown
from steprunners.clients.kafka.messages import Message, headers_to_items, to_bytes
from steprunners.clients.kafka.subscribing.literals import may_hold, required_texts
from steprunners.json_types import Json
from steprunners.masking.display import show
from steprunners.values.jsonpath import compile_jsonpath
from steprunners.values.patterns import PatternError, SearchTooLarge, compile_regex

MatchType = Literal["exact", "regex", "jsonpath"]


@dataclass(frozen=True, eq=False)
class Predicate:
    """A test of a message, and the reason why a message fails it."""

    holds: Callable[[Message], bool]
    reason: Callable[[Message], str]


class Matcher:
    """The predicates of a step; a message matches where all of them hold."""

    def __init__(
        self, *, pattern: tuple[MatchType, Json] | None, key: Json, headers: Mapping[str, Json]
    ) -> None:
        """Compile the predicates; raise PatternError where the pattern is not valid."""
        self.predicates: list[Predicate] = []
        if key is not None:
            self.predicates.append(_key_is(key))
        self.predicates += [_header_is(name, value) for name, value in headers.items()]
        if pattern is not None:
            self.predicates.append(_BY_TYPE[pattern[0]](pattern[1]))

    def failing(self, message: Message) -> list[Predicate]:
        """Return the predicates that do not hold: none where the message matches."""
        return [each for each in self.predicates if not each.holds(message)]

    def reasons(self, message: Message) -> list[str]:
        """Return why the message does not match: one reason for each predicate that does not hold."""
        return reasons_of(self.failing(message), message)


def reasons_of(failing: Sequence[Predicate], message: Message) -> list[str]:
    """Return the reason of each predicate, none of which holds for the message."""
    return [each.reason(message) for each in failing]


def _key_is(wanted: Json) -> Predicate:
    expected = to_bytes(wanted, "meta.key")
    return Predicate(
        lambda message: message.key_bytes == expected,
        lambda message: f"its key is {_shown(message.key_bytes)}, not {show(wanted)}",
    )


def _header_is(name: str, wanted: Json) -> Predicate:
    # As in a result: a list has the values of a header that is there more than once.
    expected = {value for _, value in headers_to_items({name: wanted})}

    def values(message: Message) -> list[bytes | None]:
        return [value for each, value in message.header_items if each == name]

    def reason(message: Message) -> str:
        found = values(message)
        if not found:
            return f"it has no header {name}"
        return f"its header {name} is {' and '.join(map(_shown, found))}, not {show(wanted)}"

    return Predicate(lambda message: expected <= set(values(message)), reason)


def _shown(value: bytes | None) -> str:
    return show(None if value is None else shown(value))


def _of_value(holds: Callable[[bytes], bool], reason: str) -> Predicate:
    """Return a predicate of the raw value; a tombstone, which has none, fails it."""
    return Predicate(
        lambda message: message.value_bytes is not None and holds(message.value_bytes),
        lambda message: "it is a tombstone: it has no value" if message.value_bytes is None else reason,
    )


def _contains(pattern: Json) -> Predicate:
    expected = to_bytes(pattern, "meta.searchPattern.pattern")
    return _of_value(lambda value: expected in value, f"its value does not contain {show(pattern)}")


def _matches_regex(pattern: str) -> Predicate:
    regex = compile_regex(pattern)

    def holds(message: Message) -> bool:
        try:
            return message.value_bytes is not None and regex.search(message.value_bytes)
        except SearchTooLarge:
            return False

    def reason(message: Message) -> str:
        if message.value_bytes is None:
            return "it is a tombstone: it has no value"
        try:
            regex.search(message.value_bytes)
        except SearchTooLarge as problem:
            return str(problem)
        return f"its value does not match {show(pattern)}"

    return Predicate(holds, reason)


def _selected_by(pattern: str) -> Predicate:
    query = compile_jsonpath(pattern)
    texts = required_texts(query)

    def selects(message: Message) -> bool:
        value, encoding = message.decoded
        return encoding == "json" and bool(query.select(value) or query.select([value]))

    def holds(message: Message) -> bool:
        if message.value_bytes is None or not may_hold(message.value_bytes, texts):
            return False
        try:
            return selects(message)
        except PatternError:
            return False

    def reason(message: Message) -> str:
        encoding = message.decoded[1]
        if encoding != "json":
            return "it is a tombstone: it has no value" if encoding == "null" else "its value is not JSON"
        try:
            selects(message)
        except PatternError as problem:
            return str(problem)
        return f"{pattern} selects nothing in its value"

    return Predicate(holds, reason)


_BY_TYPE: dict[MatchType, Callable[[Any], Predicate]] = {
    "exact": _contains,
    "regex": _matches_regex,
    "jsonpath": _selected_by,
}
