"""Whose turn it is: the limits of an organisation's runs, exact at the limit, in order, and never forgotten."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Team, User
from executions.engine.cancel import cancel_execution
from executions.models import Execution
from executions.starting import admission
from executions.starting.admission import TooManyRuns
from executions.starting.rerun import rerun
from executions.states import Source
from executions.worker import sweeper as waker
from resources.limits.models import OrganisationLimits
from tests.cast import ApiFor
from tests.executions.driving import at_once, begin, delay, drive, statuses
from tests.servers.stack import Worker

STEPS = [delay("a")]


def limit(team: Team, **limits: int) -> None:
    OrganisationLimits.objects.update_or_create(organisation=team.organisation, defaults=limits)


def admitted(*executions: Execution) -> list[bool]:
    by_id = {each.pk: each.admitted for each in Execution.objects.all()}
    return [by_id[each.pk] for each in executions]


class TestConcurrentExecutions:
    def test_beyond_the_limit_they_wait_and_begin_in_order(self, driven: None, team: Team) -> None:
        limit(team, concurrent_executions=2)
        first, second, third, fourth = (begin(team, STEPS) for _ in range(4))
        assert admitted(first, second, third, fourth) == [True, True, False, False]
        assert drive(third).status == "PENDING"
        assert third.look_at is not None
        assert drive(first).status == "COMPLETED"
        assert admitted(third, fourth) == [True, False]
        assert drive(third).status == "COMPLETED"
        assert admitted(fourth) == [True]

    def test_other_organisations_have_their_own(self, driven: None, team: Team, other_team: Team) -> None:
        limit(team, concurrent_executions=1)
        assert admitted(begin(team, STEPS), begin(team, STEPS), begin(other_team, STEPS)) == [
            True,
            False,
            True,
        ]

    def test_teams_of_an_organisation_share(self, driven: None, team: Team) -> None:
        limit(team, concurrent_executions=1)
        sibling = Team.objects.create(organisation=team.organisation, name="Sibling")
        first, second = begin(team, STEPS), begin(sibling, STEPS)
        assert admitted(first, second) == [True, False]
        drive(first)
        assert admitted(second) == [True]

    def test_nobody_gets_past_those_who_wait(self, driven: None, team: Team) -> None:
        limit(team, concurrent_executions=1)
        first, second = begin(team, STEPS), begin(team, STEPS)
        limit(team, concurrent_executions=3)
        third = begin(team, STEPS)
        assert admitted(second, third) == [False, False]
        drive(first)
        assert admitted(second, third) == [True, True]

    def test_one_that_waits_can_be_cancelled(self, driven: None, team: Team) -> None:
        limit(team, concurrent_executions=1)
        first, second, third = (begin(team, STEPS) for _ in range(3))
        assert cancel_execution(second).status == "CANCELLED"
        drive(first)
        assert admitted(third) == [True]

    def test_one_that_never_began_gives_its_turn_when_it_is_cancelled(self, driven: None, team: Team) -> None:
        limit(team, concurrent_executions=1)
        first, second = begin(team, STEPS), begin(team, STEPS)
        cancel_execution(first)
        assert admitted(second) == [True]

    def test_a_delay_holds_no_turn_and_asks_for_one_afterwards(self, driven: None, team: Team) -> None:
        limit(team, concurrent_executions=1)
        delayed, plain = begin(team, STEPS, initial_delay_ms=3_600_000), begin(team, STEPS)
        assert admitted(delayed, plain) == [False, True]
        Execution.objects.filter(pk=delayed.pk).update(due_at=timezone.now() - timedelta(seconds=1))
        assert drive(delayed).status == "PENDING"
        drive(plain)
        assert drive(delayed).status == "COMPLETED"

    def test_what_ended_unseen_is_noticed_by_the_sweeper(self, driven: None, team: Team) -> None:
        limit(team, concurrent_executions=1)
        first, second = begin(team, STEPS), begin(team, STEPS)
        Execution.objects.filter(pk=first.pk).update(
            status="COMPLETED", look_at=None
        )  # its worker was lost then
        waker.Waker().sweep()
        assert admitted(second) == [True]
        assert drive(second).status == "COMPLETED"

    def test_a_look_at_one_that_waits_leaves_it_waiting(self, driven: None, team: Team) -> None:
        limit(team, concurrent_executions=1)
        _, second = begin(team, STEPS), begin(team, STEPS)
        Execution.objects.filter(pk=second.pk).update(look_at=timezone.now() - timedelta(seconds=5))
        waker.Waker().sweep()
        second.refresh_from_db()
        assert (second.status, second.admitted) == ("PENDING", False)
        assert second.look_at is not None
        assert second.look_at > timezone.now()

    def test_children_run_in_their_parents_turn(self, driven: None, team: Team) -> None:
        limit(team, concurrent_executions=1)
        parent = begin(team, STEPS)
        child = begin(team, STEPS, parent=parent, parent_position=0)
        assert admitted(child) == [True]

    def test_a_rerun_waits_like_any_other(self, driven: None, team: Team) -> None:
        limit(team, concurrent_executions=1)
        first = drive(begin(team, STEPS))
        begin(team, STEPS)
        assert admitted(rerun(execution=first, user=None, source=Source.API)) == [False]

    def test_the_limit_is_exact_when_all_come_at_once(self, alone: None, team: Team) -> None:
        limit(team, concurrent_executions=2)
        at_once(*[lambda: begin(team, STEPS)] * 8)
        assert Execution.objects.filter(admitted=True).count() == 2
        assert Execution.objects.count() == 8

    def test_all_of_them_run_in_the_end(self, worker: Worker, team: Team) -> None:
        limit(team, concurrent_executions=2)
        executions = [begin(team, [delay("a", ms=20)]) for _ in range(9)]
        for execution in executions:
            wait_for_end(execution)
        begun = list(Execution.objects.order_by("started_at").values_list("pk", flat=True))
        assert set(begun[:2]) == {each.pk for each in executions[:2]}


def wait_for_end(execution: Execution) -> None:

    until = time.monotonic() + 60
    while time.monotonic() < until:
        if Execution.objects.get(pk=execution.pk).status == "COMPLETED":
            return
        time.sleep(0.05)
    raise AssertionError(f"{execution.pk} did not end")


class TestTooMany:
    def test_more_must_not_wait(self, driven: None, team: Team) -> None:
        limit(team, concurrent_executions=1, waiting_executions=1)
        begin(team, STEPS)
        begin(team, STEPS)
        with pytest.raises(TooManyRuns, match="1 wait") as refused:
            begin(team, STEPS)
        assert refused.value.retry_after == admission.RETRY_AFTER_SECONDS
        assert Execution.objects.count() == 2

    def test_runs_a_minute(self, driven: None, team: Team) -> None:
        limit(team, runs_per_minute=2)
        first = begin(team, STEPS)
        begin(team, STEPS)
        with pytest.raises(TooManyRuns, match="2 runs") as refused:
            begin(team, STEPS)
        assert 1 <= refused.value.retry_after <= 60
        Execution.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(seconds=61))
        begin(team, STEPS)

    def test_a_repeated_key_is_no_further_run(self, driven: None, team: Team, alice: User) -> None:
        limit(team, runs_per_minute=1)
        first = begin(team, STEPS, user=alice, idempotency_key="k")
        assert begin(team, STEPS, user=alice, idempotency_key="k") == first

    @pytest.mark.parametrize(
        "limits", [{"runs_per_minute": 1}, {"concurrent_executions": 1, "waiting_executions": 0}]
    )
    def test_over_rest(
        self, driven: None, api: ApiFor, alice: User, team: Team, limits: dict[str, int]
    ) -> None:
        limit(team, **limits)
        body: dict[str, Any] = {"flow": {"name": "x", "steps": STEPS}}
        assert api(alice).post("/api/v1/flows/run", body).status_code == 201
        refused = api(alice).post("/api/v1/flows/run", body)
        assert refused.status_code == 429
        assert 1 <= int(refused["Retry-After"]) <= 60
        error = refused.json()["errors"][0]
        assert (refused.json()["type"], error["code"], error["attr"]) == (
            "client_error",
            "too_many_runs",
            None,
        )
        assert "limit" in error["detail"]


class TestTimeLimit:
    def over(self, execution: Execution) -> Execution:
        """Return the execution as the sweeper left it, after its time was over."""
        Execution.objects.filter(pk=execution.pk).update(started_at=timezone.now() - timedelta(hours=1))
        waker.Waker().sweep()
        return drive(execution)

    def test_it_fails_and_its_clean_up_runs(self, driven: None, team: Team) -> None:
        limit(team, execution_seconds=60)
        execution = drive(begin(team, [delay("a", ms=10**8), delay("b"), delay("x", alwaysRun=True)]))
        assert statuses(execution) == {"a": "WAITING", "b": "PENDING", "x": "PENDING"}
        ended = self.over(execution)
        assert statuses(execution) == {"a": "CANCELLED", "b": "CANCELLED", "x": "SUCCESS"}
        assert ended.status == "FAILED"
        assert ended.error is not None
        assert ended.error["code"] == "execution_timeout"

    def test_one_in_time_goes_on(self, driven: None, team: Team) -> None:
        limit(team, execution_seconds=7_200)
        execution = drive(begin(team, [delay("a", ms=10**8)]))
        assert self.over(execution).status == "IN_PROGRESS"

    def test_clean_up_has_its_time_too(self, driven: None, team: Team) -> None:
        limit(team, execution_seconds=60)
        steps = [delay("a", ms=10**8), delay("x", alwaysRun=True, ms=10**8)]
        execution = self.over(drive(begin(team, steps)))
        assert (execution.status, statuses(execution)["x"]) == ("IN_PROGRESS", "WAITING")
        waker.Waker().sweep()
        assert drive(execution).status == "IN_PROGRESS"
        Execution.objects.filter(pk=execution.pk).update(started_at=timezone.now() - timedelta(hours=9))
        waker.Waker().sweep()
        ended = drive(execution)
        assert (ended.status, statuses(execution)["x"]) == ("FAILED", "CANCELLED")

    def test_a_cancel_before_it_counts(self, driven: None, team: Team) -> None:
        limit(team, execution_seconds=60)
        steps = [delay("a", ms=10**8), delay("x", alwaysRun=True, ms=10**8)]
        execution = drive(begin(team, steps))
        drive(cancel_execution(execution))
        assert self.over(execution).status == "CANCELLED"

    def test_its_children_end_with_it(self, driven: None, team: Team) -> None:
        limit(team, execution_seconds=60)
        parent = drive(begin(team, [delay("a", ms=10**8)]))
        child = drive(begin(team, [delay("b", ms=10**8)], parent=parent, parent_position=0))
        assert child.time_limit_ms is None
        self.over(parent)
        assert Execution.objects.get(pk=child.pk).status == "CANCELLED"

    def test_it_is_ended_once(self, driven: None, team: Team) -> None:
        limit(team, execution_seconds=60)
        execution = self.over(
            drive(begin(team, [delay("a", ms=10**8), delay("x", alwaysRun=True, ms=10**8)]))
        )
        before = Execution.objects.get(pk=execution.pk).cancel_requests
        waker.Waker().sweep()
        assert Execution.objects.get(pk=execution.pk).cancel_requests == before == 1
