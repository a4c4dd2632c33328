"""The closest messages: the fewest predicates that fail, then the latest."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from steprunners.clients.kafka.messages import Message
from steprunners.clients.kafka.subscribing.matching import Predicate
from steprunners.clients.kafka.subscribing.near_misses import NEAREST, NEAREST_LENGTH, NearMisses

NEVER = Predicate(lambda _: False, lambda _: "no")


def message(offset: int, value: Any = None) -> Message:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Message("t", 0, offset, 0, None, raw)


def shown(near: NearMisses) -> list[Any]:
    return near.shown()


@given(st.lists(st.integers(1, 3), max_size=20), st.integers(0, 20))
def test_in_one_go_or_in_two_with_storage_between(fails: list[int], border: int) -> None:
    whole, first, second = NearMisses(), NearMisses(), NearMisses()
    for number, count in enumerate(fails):
        for near in (whole, first if number < border else second):
            near.add(message(number), [NEVER] * count, number)
    stored = NearMisses.from_json(json.loads(json.dumps(first.to_json())))
    stored.merge(second)
    best = sorted(range(len(fails)), key=lambda number: (fails[number], -number))[:NEAREST]
    assert [each["offset"] for each in shown(whole)] == best
    assert shown(stored) == shown(whole)


def test_how_one_is_shown() -> None:
    near = NearMisses()
    near.add(message(7, {"a": "x" * 3_000}), [NEVER, NEVER], 1)
    near.add(message(8, b"y" * 3_000), [NEVER], 2)
    near.add(message(9, b"\xff"), [NEVER], 3)
    binary, text, parsed = shown(near)
    assert (binary["value"], binary["reason"]) == ("/w==", "no")
    assert text["value"] == "y" * NEAREST_LENGTH + "…"
    assert len(parsed["value"]) < 2 * NEAREST_LENGTH
    assert parsed["reason"] == "no; no"
