"""advance: when, answers of branches and children, the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from steprunners.errors import BadReference
from steprunners.lifecycle.advance import is_wanted
from steprunners.lifecycle.attempts import Answer, Delegated, Ended, Waiting
from steprunners.runner import (
    RunChild,
    TakeBranch,
)
from tests.steprunners.lifecycle.scripted import (
    GOOD,
    HOLDS,
    bench,
)


def test_success_without_assertions() -> None:
    ended = bench(GOOD).finish()
    assert (ended.status, ended.result, ended.error) == ("SUCCESS", {"n": 1, "durationMs": 0}, None)


@pytest.mark.parametrize("wish", [TakeBranch(0), TakeBranch(None), RunChild("flow", 2)])
def test_a_branch_or_child_is_delegated(wish: Any) -> None:
    move = bench(wish, meta={"value": 1}).advance()
    assert isinstance(move, Delegated)
    assert (move.wish, move.request) == (wish, {"value": 1})


def test_an_answer_ends_the_step_without_another_call() -> None:
    tested = bench(TakeBranch(0), assertions=HOLDS, extract={"x": "n"})
    tested.advance()
    move = tested.advance(Answer({"n": 1}))
    assert isinstance(move, Ended)
    assert (move.attempt.status, move.attempt.extracted) == ("SUCCESS", {"x": 1})
    assert len(tested.runner.configs) == 1


def test_a_failed_branch_fails_its_step() -> None:
    tested = bench(TakeBranch(0), extract={"x": "n"})
    tested.advance()
    move = tested.advance(Answer({"n": 1}, failure="step a failed"))
    assert isinstance(move, Ended)
    assert (move.attempt.status, move.attempt.extracted) == ("FAILED", {})
    assert move.attempt.error == {"code": "branch_failed", "message": "step a failed"}


def test_a_retry_runs_another_child() -> None:
    tested = bench(RunChild("flow"), retry={"maxRetries": 1})
    tested.advance()
    tested.progress = replace(tested.progress, child="0197")
    assert isinstance(tested.advance(Answer({}, failure="no")), Waiting)
    assert tested.progress.child is None
    assert isinstance(tested.advance(), Delegated)


def test_when_decides_whether_the_step_runs() -> None:
    condition = {"left": "${x}", "operator": "equals", "right": 1}
    assert is_wanted(bench(GOOD).work)
    assert is_wanted(bench(GOOD, when=condition, variables={"x": 1}).work)
    assert not is_wanted(bench(GOOD, when=condition, variables={"x": 2}).work)
    with pytest.raises(BadReference, match="when"):
        is_wanted(bench(GOOD, when=condition).work)
    assert not is_wanted(bench(GOOD, when={**condition, "operator": "exists"}).work)
