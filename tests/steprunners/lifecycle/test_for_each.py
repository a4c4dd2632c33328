"""forEach: items in order, each with its own attempts, waits and origin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from steprunners.lifecycle.attempts import Answer, Delegated, Ended
from steprunners.lifecycle.for_each import PAUSE_AFTER_MS
from steprunners.masking.credentials import MASK
from steprunners.runner import (
    Finished,
    Outcome,
    Park,
    RunChild,
    StepContext,
)
from tests.steprunners.lifecycle.scripted import (
    BAD,
    GOOD,
    HOLDS,
    LOST,
    NOW,
    Scripted,
    ScriptedConfig,
    bench,
)


class Counting(Scripted):
    """Sets an origin where the step has none: the number of calls until then."""

    def run(self, config: ScriptedConfig, context: StepContext[Any]) -> Outcome:
        if context.origin is None:
            context.origin = len(self.contexts)
        return super().run(config, context)


def test_all_attempts_share_the_origin_of_the_first() -> None:
    going = bench(LOST, Park(10, {}), BAD, GOOD, runner=Counting, assertions=HOLDS, retry={})
    assert going.finish().status == "SUCCESS"
    assert [context.origin for context in going.runner.contexts] == [0, 0, 0, 0]


def test_each_item_has_its_own_origin() -> None:
    going = bench(LOST, GOOD, GOOD, runner=Counting, forEach=["a", "b"], retry={})
    assert going.finish().status == "SUCCESS"
    assert [context.origin for context in going.runner.contexts] == [0, 0, 2]


def test_items_run_in_order() -> None:
    tested = bench(
        Finished({"n": 1, "durationMs": 5}), Finished({"n": 2, "durationMs": 6}),
        forEach=["a", "b"], meta={"value": "${item}${index}"}, extract={"last": "n"},
    )  # fmt: skip
    ended = tested.finish()
    assert tested.runner.configs == ["a0", "b1"]
    assert ended.result == {
        "items": [{"n": 1, "durationMs": 5}, {"n": 2, "durationMs": 6}], "count": 2, "durationMs": 11,
    }  # fmt: skip
    assert ended.extracted == {"last": 2}
    assert [attempt.item for attempt in tested.attempts] == [0, 1]


def test_a_long_loop_pauses_and_resumes_at_its_item() -> None:
    tested = bench(*[Finished({"n": each}) for each in range(4)], forEach=[0, 1, 2, 3], extract={"last": "n"})
    ticks = iter(range(0, 1_000_000, PAUSE_AFTER_MS // 8))
    tested.work = replace(tested.work, now_ms=lambda: NOW + next(ticks))
    ended = tested.finish()
    assert len(tested.waits) > 0
    assert set(tested.waits) == {0}
    assert ended.result is not None
    assert (ended.result["count"], ended.extracted) == (4, {"last": 3})
    assert [attempt.item for attempt in tested.attempts] == [0, 1, 2, 3]


def test_an_empty_list_succeeds() -> None:
    ended = bench(GOOD, forEach=[]).finish()
    assert (ended.status, ended.result) == ("SUCCESS", {"items": [], "count": 0, "durationMs": 0})


def test_the_list_may_be_a_reference() -> None:
    tested = bench(
        GOOD, forEach="${rows}", meta={"value": "${item.id}"}, variables={"rows": [{"id": 1}, {"id": 2}]}
    )
    tested.finish()
    assert tested.runner.configs == [1, 2]


@pytest.mark.parametrize("variables", [{"rows": "no list"}, {"rows": {"a": 1}}, {}])
def test_anything_but_a_list_is_an_error(variables: dict[str, Any]) -> None:
    ended = bench(GOOD, forEach="${rows}", variables=variables).finish()
    assert ended.status == "ERROR"
    assert ended.error is not None
    assert ended.error["code"] == "bad_reference"


@pytest.mark.parametrize(
    ("value", "found"), [("abc", "text"), (5, "a whole number"), ({"a": 1}, "an object"), (True, "true")]
)
def test_the_error_says_what_came_instead_of_a_list(value: Any, found: str) -> None:
    error = bench(GOOD, forEach="${rows}", variables={"rows": value}).finish().error
    assert error is not None
    assert error["message"] == f"forEach needs a list, but ${{rows}} is {found}"


def test_after_a_wait_it_resumes_and_keeps_every_attempt() -> None:
    tested = bench(
        GOOD, BAD, GOOD, GOOD, forEach=[1, 2, 3], assertions=HOLDS, meta={"value": "${item}"}, retry={}
    )
    assert tested.finish().status == "SUCCESS"
    assert tested.runner.configs == [1, 2, 2, 3]
    history = [(attempt.item, attempt.status) for attempt in tested.attempts]
    assert history == [(0, "SUCCESS"), (1, "FAILED"), (1, "SUCCESS"), (2, "SUCCESS")]


def test_each_item_has_its_own_retries() -> None:
    policy = {"maxRetries": 1, "initialDelayMs": 10}
    tested = bench(BAD, GOOD, BAD, GOOD, forEach=[1, 2], assertions=HOLDS, retry=policy)
    assert tested.finish().status == "SUCCESS"
    assert tested.waits == [10, 10]


def test_it_stops_at_the_first_failure() -> None:
    tested = bench(GOOD, BAD, GOOD, forEach=[1, 2, 3], assertions=HOLDS)
    ended = tested.finish()
    assert (ended.status, ended.item) == ("FAILED", 1)
    assert ended.result is not None
    assert ended.result["count"] == 2


def test_each_item_runs_its_own_child() -> None:
    tested = bench(RunChild("flow"), forEach=[1, 2])
    assert isinstance(tested.advance(), Delegated)
    assert isinstance(tested.advance(Answer({"n": 1})), Delegated)
    assert [attempt.result for attempt in tested.attempts] == [{"n": 1, "durationMs": 0}]
    ended = tested.advance(Answer({"n": 2}))
    assert isinstance(ended, Ended)
    assert ended.attempt.result is not None
    assert ended.attempt.result["count"] == 2


def test_every_item_is_shown_masked() -> None:
    results = [Finished({"headers": {}, "cookies": {"sid": "s1"}}), GOOD]
    attempt = bench(*results, forEach=[1, 2], extract={"sid": "cookies.sid"}).finish()
    assert attempt.status == "ERROR", "the second item has no cookie"
    shown: Any = attempt.shown
    first, _second = shown["items"]
    assert first["cookies"] == {"sid": MASK}


def test_a_jsonpath_that_gives_one_node_says_the_way_out() -> None:
    items = {"list": [{"id": 1}, {"id": 2}]}
    reference = "${found.$.list[?@.id == 1]}"
    ended = bench(GOOD, forEach=reference, variables={"found": items}).finish()
    assert ended.error is not None
    assert "is an object: its JSONPath selects one node" in ended.error["message"]
    assert f'write forEach: ["{reference}"]' in ended.error["message"]
    several = "${found.$.list[?@.id > 0]}"
    assert bench(GOOD, forEach=several, variables={"found": items}).finish().status == "SUCCESS"
    other = bench(GOOD, forEach="${found.list[0]}", variables={"found": items}).finish()
    assert other.error is not None
    assert "JSONPath" not in other.error["message"]
