"""Inline steps of raw steps are found by their step type, and replaced without touching what is around them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from flows.documents.steps import count_steps, flow_ids, inline_steps, put_inline, read_steps, walk
from steprunners.runner import Place
from tests.flows.sample_documents import choose, wait


def test_an_alias_counts_in_any_case() -> None:
    step = {**choose("c", wait("a")), "stepType": "IF"}
    assert [each.place for each in inline_steps(step)] == [("branches", 0, "steps")]


@pytest.mark.parametrize("step", [{}, {"stepType": 5}, {"stepType": "no"}, {"stepType": "if", "meta": 5}])
def test_odd_steps_hold_nothing(step: dict[str, Any]) -> None:
    assert not inline_steps(step)
    assert not flow_ids(step)


def test_inline_steps_count() -> None:
    assert count_steps([choose("c", wait("a"), choose("d", wait("b"))), wait("e"), 5]) == 6


@pytest.mark.parametrize("step_type", ["condition", "If", "delay", "none", None, 5])
def test_every_step_that_is_read_counts(step_type: Any) -> None:
    raw = [{**choose("c", wait("a"), choose("d", wait("b"))), "stepType": step_type}, wait("e")]
    assert count_steps(raw) == len(list(walk(read_steps(raw, []))))


def test_replacing_copies_only_what_is_around() -> None:
    other = {"steps": ["kept"], "deep": {}}
    meta: dict[str, Any] = {"branches": [{"steps": [1], "condition": {}}, other], "elseSteps": [2], "x": {}}
    replaced = put_inline(meta, {("branches", 0, "steps"): ["a"], ("elseSteps",): ["b"]})
    assert replaced == {
        "branches": [{"steps": ["a"], "condition": {}}, other],
        "elseSteps": ["b"],
        "x": {},
    }
    assert replaced["branches"][1] is other
    assert meta["branches"][0]["steps"] == [1]


def test_replacing_many_lists_takes_linear_time() -> None:
    """A hostile document has 100 000 empty lists; copying all branches for each would take minutes."""
    count = 100_000
    meta: dict[str, Any] = {"branches": [{"steps": []} for _ in range(count)]}
    lists: dict[Place, list[Any]] = {("branches", index, "steps"): ["a"] for index in range(count)}
    started = time.process_time()
    replaced = put_inline(meta, lists)
    assert time.process_time() - started < 10
    assert all(branch["steps"] == ["a"] for branch in replaced["branches"])
