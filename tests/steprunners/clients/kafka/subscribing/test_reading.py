"""How far a step has read: over waits, and with what its watch has read for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.clients.kafka.messages import Message
from steprunners.clients.kafka.subscribing import reading
from steprunners.clients.kafka.subscribing.matching import Matcher
from steprunners.clients.kafka.subscribing.reading import Reading, in_order
from steprunners.errors import StepError

EVEN = Matcher(pattern=("regex", "[02468]$"), key=None, headers={})


def message(partition: int, offset: int) -> Message:
    return Message("t", partition, offset, 1_000 + offset, None, str(offset).encode())


def stored(one: Reading) -> Reading:
    return Reading.from_json(json.loads(json.dumps(one.to_json())))


@given(st.lists(st.integers(0, 2), max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_read_in_parts_is_read_whole(partitions: list[int], first: int, second: int) -> None:
    offsets = {0: 3, 1: 0, 2: 0}
    messages = []
    for partition in partitions:
        messages.append(message(partition, offsets[partition]))
        offsets[partition] += 1

    def take(into: Reading, part: list[Message]) -> Reading:
        for each in part:
            into.positions.setdefault(each.partition, 0)  # partition 2 comes into being while it is read
            into.begun.setdefault(each.partition, into.positions[each.partition])
            into.take(each, EVEN)
        return into

    def fresh() -> Reading:
        return Reading(5, {0: 3, 1: 0}, {0: 3, 1: 0})

    border = first + second
    whole = take(fresh(), messages)
    parts = take(fresh(), messages[:first])
    rest = take(stored(parts).rest(), messages[first:border])
    parts = stored(parts)
    parts.add(rest)
    take(parts, messages[border:])
    assert parts.result() == whole.result()
    assert (parts.positions, parts.scanned) == (whole.positions, whole.scanned)


def test_what_is_found_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 3)
    one = Reading(0, {0: 0})
    for offset in (2, 4, 6):
        one.take(message(0, offset), EVEN)
    one.check_size()
    one.take(message(0, 8), EVEN)
    with pytest.raises(StepError, match="search for fewer") as caught:
        one.check_size()
    result: Any = caught.value.result
    assert (caught.value.code, result["count"]) == ("response_too_large", 4)


def test_messages_are_in_the_order_of_their_times() -> None:
    one = Reading(0, {0: 0, 1: 0}, {0: 0, 1: 0})
    for partition, offset in ((0, 4), (1, 2), (0, 6), (1, 4)):
        one.take(message(partition, offset), EVEN)
    found: Any = one.result()["messages"]
    assert [(each["partition"], each["offset"]) for each in found] == [(1, 2), (0, 4), (1, 4), (0, 6)]


def one_at(partition: int, offset: int, at: int) -> dict[str, int]:
    return {"partition": partition, "offset": offset, "timestamp": at}


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 4)), max_size=20))
def test_a_partition_keeps_its_order_whatever_its_timestamps_are(read: list[tuple[int, int]]) -> None:
    offsets = {0: 0, 1: 0, 2: 0}
    messages = []
    for partition, at in read:
        messages.append(one_at(partition, offsets[partition], at))
        offsets[partition] += 1
    ordered = in_order(messages)
    for partition, count in offsets.items():
        placed = [each["offset"] for each in ordered if each["partition"] == partition]
        assert placed == list(range(count))
    if messages == sorted(messages, key=lambda each: each["timestamp"]):
        assert [each["timestamp"] for each in ordered] == [each["timestamp"] for each in messages]
