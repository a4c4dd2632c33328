"""An execution begins with the claim of its first step, unless slow work has to come in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import Team
from executions import statements
from executions.broker import chain
from executions.engine import run_step as engine
from executions.engine.start_positions import record_starts
from executions.live import events
from executions.models import Execution
from tests.executions.driving import begin, delay, drive, statuses

LISTENER = {"name": "a", "stepType": "kafka_subscribe", "meta": {"resourceId": "none", "topic": "t"}}


@pytest.fixture
def seen(driven: None, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """How the steps stand whenever starts are recorded, or a chain is published once the execution has begun."""
    found: list[dict[str, str]] = []

    def looking(function: Callable[..., Any]) -> Callable[..., Any]:
        def look(execution: Any, *args: Any, **options: Any) -> Any:
            row = Execution.objects.get(pk=getattr(execution, "pk", execution))
            if row.status == "IN_PROGRESS":
                found.append(statuses(row))
            return function(execution, *args, **options)

        return look

    monkeypatch.setattr(engine, "record_starts", looking(record_starts))
    monkeypatch.setattr(chain, "publish", looking(lambda *_, **__: True))
    return found


def test_the_first_step_is_claimed_with_the_start(seen: list[dict[str, str]], team: Team) -> None:
    execution = begin(team, [delay("a"), delay("b")])
    assert engine.run_step(execution.pk, 0, begin=True) == 1
    assert seen == [{"a": "IN_PROGRESS", "b": "PENDING"}]


def test_an_execution_begins_with_the_claim_of_its_first_step(
    driven: None, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OperationalError("the connection was lost")

    execution = begin(team, [delay("a")])
    with monkeypatch.context() as patched:
        patched.setattr(statements.step, "claim", refuse)
        with pytest.raises(OperationalError):
            engine.run_step(execution.pk, 0, begin=True)
    execution.refresh_from_db()
    assert (execution.status, execution.sequence) == ("PENDING", 0)
    assert drive(execution).status == "COMPLETED"


def test_no_step_is_in_hand_while_brokers_are_asked(seen: list[dict[str, str]], team: Team) -> None:
    drive(begin(team, [LISTENER]))
    assert seen[0] == {"a": "PENDING"}


def test_no_step_is_claimed_while_others_are_published(seen: list[dict[str, str]], team: Team) -> None:
    execution = begin(team, [delay("a", runInBackground=True), delay("b")])
    engine.run_step(execution.pk, 0, begin=True)
    assert seen[:2] == [{"a": "PENDING", "b": "PENDING"}] * 2


@pytest.mark.parametrize("steps", [[delay("a")], [delay("a", runInBackground=True), delay("b")]])
def test_updates_are_numbered_from_the_start(
    driven: None, team: Team, monkeypatch: pytest.MonkeyPatch, steps: list[dict[str, Any]]
) -> None:
    told: list[tuple[int, str]] = []
    monkeypatch.setattr(
        events,
        "publish",
        lambda updates: told.extend((each["sequence"], each["updateType"]) for each in updates),
    )
    done = drive(begin(team, steps))
    assert [number for number, _ in told] == list(range(1, done.sequence + 1))
    assert [told[0][1], told[-1][1]] == ["EXECUTION_UPDATE", "EXECUTION_UPDATE"]
