"""Starting: all rows or none, the same key once, a delayed start on time."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Team, User
from executions.models import Execution
from executions.starting.admission import RunRefused
from executions.starting.start import MAX_INITIAL_DELAY_MS
from tests.executions.driving import at_once, begin, delay

STEPS = [delay("a"), delay("b", alwaysRun=True)]


def test_it_is_pending_with_all_its_rows(driven: None, team: Team, alice: User) -> None:
    execution = begin(team, STEPS, user=alice, labels=["x", "x", "y"])
    assert (execution.status, execution.cursor, execution.remaining, execution.clean_up_position) == (
        "PENDING",
        0,
        1,
        1,
    )
    assert execution.labels == ["x", "y"]
    assert list(execution.steps.values_list("name", "status")) == [("a", "PENDING"), ("b", "PENDING")]


def test_all_problems_are_reported_at_once(driven: None, team: Team) -> None:
    declared: list[dict[str, Any]] = [
        {"name": "n", "type": "integer", "required": True},
        {"name": "m", "type": "boolean"},
    ]
    given = [{"name": "m", "value": "maybe"}, {"name": "q", "value": 1}]
    with pytest.raises(RunRefused) as refusal:
        begin(team, STEPS, declared=declared, variables=given, initial_delay_ms=-1)
    assert {str(problem.place) for problem in refusal.value.problems} == {
        "variables.0.value", "variables.1.name", "variables.n", "parameters.initialDelay",
    }  # fmt: skip
    assert not Execution.objects.exists()


@pytest.mark.parametrize("milliseconds", [-1, MAX_INITIAL_DELAY_MS + 1, 10**30])
def test_an_initial_delay_out_of_range(driven: None, team: Team, milliseconds: int) -> None:
    with pytest.raises(RunRefused, match="initialDelay"):
        begin(team, STEPS, initial_delay_ms=milliseconds)


def test_a_delayed_start_is_looked_at_soon_after_it_is_due(driven: None, team: Team) -> None:
    execution = begin(team, STEPS, initial_delay_ms=60_000)
    assert execution.due_at is not None
    assert execution.look_at is not None
    assert 0 < (execution.look_at - execution.due_at).total_seconds() <= 1
    assert 30 < (execution.due_at - timezone.now()).total_seconds() <= 60


def test_a_key_repeated_gives_the_first_execution(driven: None, team: Team, alice: User, bob: User) -> None:
    first = begin(team, STEPS, user=alice, idempotency_key="k")
    assert begin(team, [delay("z")], user=alice, idempotency_key="k") == first
    assert begin(team, STEPS, user=bob, idempotency_key="k") != first
    assert begin(team, STEPS, user=alice, idempotency_key="l") != first
    without = begin(team, STEPS, idempotency_key="k")
    assert begin(team, [delay("z")], idempotency_key="k") == without != first
    assert begin(team, STEPS, user=alice) != begin(team, STEPS, user=alice)


@pytest.mark.parametrize("with_user", [True, False], ids=["user", "no user"])
def test_requests_with_one_key_at_once_make_one_execution(
    alone: None, team: Team, alice: User, *, with_user: bool
) -> None:
    user = alice if with_user else None
    results: list[Any] = at_once(*[lambda: begin(team, STEPS, user=user, idempotency_key="k").pk] * 5)
    assert len(set(results)) == 1
    assert Execution.objects.get().pk == results[0]
    assert Execution.objects.get().steps.count() == 2
