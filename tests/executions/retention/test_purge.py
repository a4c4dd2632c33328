"""Tests of `executions.retention.purge`: what is removed, what stays, and what a kill in the middle leaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.conf import settings as project
from django.db import OperationalError, connection
from django.db.models.signals import post_init
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import Organisation, Team, User
from accounts.services.organisations import delete_team
from asynctester.embedded.processes import wait_until
from executions.models import Execution, ExecutionLabel, ExecutionStep, SessionState, StepAttempt
from executions.retention import purge as retention
from executions.starting import rerun as rerunning
from executions.starting.admission import RunRefused
from executions.starting.rerun import rerun
from executions.starting.start import start_execution
from executions.states import EXECUTION_TERMINAL, ExecutionStatus
from flows.documents.document import check_document
from tests.cast import ApiFor, PageFor
from tests.executions.rows import make_attempt, make_execution, make_step

DAY = timedelta(days=1)


def run(team: Team, days: float, **fields: Any) -> Execution:
    """Make an execution that ended so many days ago, with a step, an attempt and cookies."""
    ended = timezone.now() - days * DAY
    fields = {"status": ExecutionStatus.COMPLETED, "labels": ["nightly"], **fields}
    times = {"created_at": ended - timedelta(seconds=1), "started_at": ended}
    if fields["status"] in EXECUTION_TERMINAL:
        times["completed_at"] = ended
    made = make_execution(team, **{**times, **fields})
    result: dict[str, Any] = {
        "request": {"url": "http://shop"},
        "response": {"status": 200},
        "assertions": [{"passed": True}],
    }
    step = make_step(made, **result, whole_response={"a": 1}, extracted={"id": 1}, secret_extracts={"b": 2})
    make_attempt(step, **result)
    SessionState.objects.create(execution=made, key="jar", position=0, value={"cookie": 1})
    return made


#: What an execution remembers of its first failure.
WHY = {"code": "step_failed", "message": "step_0: status equals 201", "step": "step_0"}


def left() -> set[UUID]:
    return set(Execution.objects.values_list("pk", flat=True))


@pytest.fixture
def team(team: Team) -> Team:
    """Checkout, which keeps results for 10 days and executions for 20."""
    team.keep_results_days, team.keep_executions_days = 10, 20
    team.save()
    return team


def test_old_executions_are_removed_with_all_rows(team: Team) -> None:
    run(team, 21)
    young = run(team, 9)
    assert retention.purge() == {"executions": 1, "results": 0}
    assert left() == {young.pk}
    for model in (ExecutionLabel, ExecutionStep, SessionState):
        assert set(model.objects.values_list("execution_id", flat=True)) == {young.pk}
    assert StepAttempt.objects.get().step.execution_id == young.pk


def test_purged_results_keep_status_and_times(team: Team) -> None:
    old = run(team, 11, status=ExecutionStatus.FAILED, error={"code": "x", "message": "y"})
    assert retention.purge() == {"executions": 0, "results": 1}
    old.refresh_from_db()
    step, attempt = old.steps.get(), StepAttempt.objects.get()
    assert old.results_removed_at is not None
    assert (old.error, step.status, step.duration_ms) == ({"code": "x", "message": "y"}, "SUCCESS", None)
    assert [getattr(step, name) for name in retention.NO_RESULT] == list(retention.NO_RESULT.values())
    assert (attempt.request, attempt.response, attempt.assertions, attempt.duration_ms) == (
        None,
        None,
        [],
        40,
    )
    assert not SessionState.objects.exists()
    assert retention.purge() == {"executions": 0, "results": 0}  # once


def test_kept_and_running_executions_stay(team: Team, other_team: Team) -> None:
    run(team, 400, status=ExecutionStatus.IN_PROGRESS)
    run(other_team, 4_000)
    other_team.keep_results_days = other_team.keep_executions_days = 0
    other_team.save()
    before = left()
    assert retention.purge() == {"executions": 0, "results": 0}
    assert left() == before
    assert not Execution.objects.exclude(results_removed_at=None).exists()


def test_each_team_has_its_own_limits(team: Team, other_team: Team) -> None:
    run(team, 30)
    kept = run(other_team, 30)
    assert retention.purge() == {"executions": 1, "results": 0}
    assert left() == {kept.pk}


def test_a_changed_limit_counts_at_once(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TREES", 1)
    for days in (40, 35, 30):
        run(team, days)
    asked = 0

    def go_on() -> bool:
        nonlocal asked
        asked += 1
        Team.objects.update(keep_executions_days=0, keep_results_days=0)
        return True

    assert retention.purge(go_on=go_on)["executions"] == 1
    assert (asked > 0, Execution.objects.count()) == (True, 2)


def test_an_execution_counts_from_its_end(team: Team) -> None:
    long = run(team, 5, created_at=timezone.now() - 50 * DAY)
    assert retention.purge() == {"executions": 0, "results": 0}
    assert left() == {long.pk}


def test_children_are_removed_with_their_parents_only(team: Team) -> None:
    parent = run(team, 30)
    child = run(team, 31, parent=parent)
    run(team, 32, parent=child)
    open_parent = run(team, 40)
    mid = run(team, 40, parent=open_parent)
    running = run(team, 40, parent=mid, status=ExecutionStatus.IN_PROGRESS)
    lonely = run(team, 40, parent=run(team, 1))
    retention.purge()
    assert left() == {open_parent.pk, mid.pk, running.pk, lonely.pk, lonely.parent_id}
    assert not Execution.objects.exclude(results_removed_at=None).exists()


def test_a_half_finished_tree_is_finished_next_time(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TREES", 1)
    run(team, 15, parent=run(team, 15))
    asked = iter(range(1))
    retention.purge(go_on=lambda: next(asked, None) is not None)
    assert ExecutionStep.objects.filter(response__isnull=False).count() == 1
    retention.purge()
    assert not ExecutionStep.objects.filter(response__isnull=False).exists()


def test_a_rerun_survives_the_removal_of_its_origin(team: Team) -> None:
    again = run(team, 1, rerun_of=run(team, 30))
    retention.purge()
    again.refresh_from_db()
    assert again.rerun_of_id is None


@pytest.mark.parametrize("with_user", [True, False], ids=["user", "no user"])
def test_the_key_of_a_removed_execution_is_free(team: Team, alice: User, *, with_user: bool) -> None:
    user = alice if with_user else None
    old = run(team, 30, idempotency_key="nightly-1", user=user)
    retention.purge()
    again = run(team, 0, idempotency_key="nightly-1", user=user)  # refused while the old one is there
    assert left() == {again.pk} != {old.pk}


def test_batches_are_small_and_cover_every_row(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TREES", 3)
    monkeypatch.setattr(retention, "ROWS", 2)
    ended = timezone.now() - 30 * DAY  # all at the same instant: the id decides among them
    for _ in range(8):
        parent = run(team, 30, created_at=ended)
        for _ in range(3):
            run(team, 30, parent=parent)
    blocked = [run(team, 30, created_at=ended) for _ in range(7)]
    for each in blocked:
        run(team, 30, parent=each, status=ExecutionStatus.PENDING)
    widest = largest_deletion(retention.purge)
    assert left() == {pk for each in blocked for pk in (each.pk, each.children.get().pk)}
    assert widest == 2


def largest_deletion(work: Callable[[], object]) -> int:
    """Return the most ids that one DELETE of the work named."""
    widest = 0

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal widest
        if sql.startswith("DELETE"):
            widest = max(widest, len(params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        work()
    return widest


def test_every_model_that_refers_to_executions_is_purged() -> None:
    """Rows are deleted without Django's look for what refers to them: a new table has to be named there."""
    removed = {Execution, ExecutionLabel, ExecutionStep, StepAttempt, SessionState}
    fields = [field for model in apps.get_models() for field in model._meta.concrete_fields]
    referring = {field.model for field in fields if field.related_model in removed}
    assert referring == removed


def test_a_failing_team_does_not_stop_the_others(
    team: Team, other_team: Team, caplog: pytest.LogCaptureFixture
) -> None:
    wrong, fine = sorted((team, other_team), key=lambda each: each.pk)  # it comes first
    Team.objects.filter(pk=wrong.pk).update(
        keep_results_days=10**8, keep_executions_days=None
    )  # no such date
    kept, _ = run(wrong, 30), run(fine, 4_000)
    assert retention.purge() == {"executions": 1, "results": 0, "failedTeams": 1}
    assert left() == {kept.pk}
    assert f"retention of team {wrong.pk} failed" in caplog.text


def test_a_database_that_is_away_ends_the_work(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Team) -> int:
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(retention, "executions_days", away)
    with pytest.raises(OperationalError, match="closed"):
        retention.purge()


def of_two_delays(team: Team, days: float) -> Execution:
    """Make an old execution that can be run again from its second step, `later`."""
    steps = [{"name": name, "stepType": "delay", "meta": {"delayMs": 1}} for name in ("step_0", "later")]
    draft = check_document({"name": "flow", "steps": steps}, known_names=set())
    return run(team, days, draft=draft.to_json())


def test_a_run_without_results_cannot_be_reused(team: Team) -> None:
    old = of_two_delays(team, 11)
    retention.purge()  # `old` itself does not know
    with pytest.raises(RunRefused, match="run it again from its start"):
        rerun(execution=old, user=None, source="API", from_step="later")
    assert rerun(execution=old, user=None, source="API").rerun_of == old


@pytest.mark.parametrize("from_step", [None, "later"])
def test_an_execution_that_was_deleted_is_not_run_again(team: Team, from_step: str | None) -> None:
    old = of_two_delays(team, 21)
    retention.purge()
    with pytest.raises(Execution.DoesNotExist):
        rerun(execution=old, user=None, source="API", from_step=from_step)
    assert not Execution.objects.exists()


@pytest.mark.skipif(project.IS_SQLITE, reason="SQLite locks no rows: one transaction writes at a time")
@pytest.mark.parametrize("days", [11, 21], ids=["results", "execution"])
def test_a_rerun_during_a_purge_reuses_whole_results(
    transactional_db: None, team: Team, monkeypatch: pytest.MonkeyPatch, days: float
) -> None:
    old = of_two_delays(team, days)
    purger = threading.Thread(target=purge_and_close)

    def purged_meanwhile(**wanted: Any) -> Execution:
        purger.start()
        assert wait_until(lambda: not purger.is_alive() or somebody_waits_for_us(), within=20)
        return start_execution(**wanted)

    monkeypatch.setattr(rerunning, "start_execution", purged_meanwhile)
    new = rerun(execution=old, user=None, source="API", from_step="later")
    purger.join(20)
    taken_over = new.steps.get(name="step_0")
    assert (taken_over.reused, taken_over.response) == (True, {"status": 200})
    assert not ExecutionStep.objects.filter(execution=old.pk, response__isnull=False).exists()


def purge_and_close() -> None:
    try:
        retention.purge()
    finally:
        connection.close()


def somebody_waits_for_us() -> bool:
    # `pg_stat_activity` would say the same until this transaction ends.
    sql = "SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return bool(cursor.fetchall())


def test_a_deleted_team_s_runs_are_removed_in_batches(
    team: Team, other_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TREES", 3)
    for days in (0, 1, 30, 30, 30):
        run(team, days, parent=run(team, days))
    running = run(team, 0, status=ExecutionStatus.IN_PROGRESS)
    run(team, 0, rerun_of=running)
    kept = run(other_team, 1)
    loaded: list[UUID] = []
    post_init.connect(
        lambda instance, **_: loaded.append(instance.pk), Execution, weak=False, dispatch_uid="t"
    )
    try:
        delete_team(team=team)
    finally:
        post_init.disconnect(sender=Execution, dispatch_uid="t")
    assert left() == {kept.pk}
    assert not Team.objects.filter(pk=team.pk).exists()
    assert not loaded  # what runs goes in the same way


def test_the_api_and_the_page_say_that_results_are_gone(
    api: ApiFor, page: PageFor, alice: User, team: Team
) -> None:
    bare, whole = run(team, 11, status="FAILED", error=WHY), run(team, 1)
    bare.steps.update(status="FAILED")
    retention.purge()
    shown = api(alice).get(f"/api/v1/executions/{bare.pk}").json()
    assert abs(shown["resultsRemovedAt"] / 1000 - time.time()) < 600
    assert shown["steps"][0]["response"] is None
    alone = api(alice).get(f"/api/v1/executions/{bare.pk}/steps/step_0").json()
    assert (alone["response"], alone["attemptHistory"][0]["response"]) == (None, None)
    assert api(alice).get(f"/api/v1/executions/{whole.pk}").json()["resultsRemovedAt"] is None
    told = page(alice).get(f"/executions/{bare.pk}").content.decode()
    assert "keeps results for 10 days" in told
    assert "status equals 201" in told
    assert "gives no further details" not in told
    assert "results-removed" not in page(alice).get(f"/executions/{whole.pk}").content.decode()
    for report in ("junit.xml", f"compare/{whole.pk}"):
        assert api(alice).get(f"/api/v1/executions/{bare.pk}/{report}").status_code == 200


class Stops(TestCase):
    """A purge that is stopped anywhere is finished by the next."""

    @settings(max_examples=8)
    @given(portions=st.integers(0, 30))
    def test_stopped_anywhere(self, portions: int) -> None:
        Execution.objects.all().delete()
        organisation, _ = Organisation.objects.get_or_create(name="Acme")
        team, _ = Team.objects.get_or_create(
            organisation=organisation, name="Till", keep_results_days=10, keep_executions_days=20
        )
        parent, bare = run(team, 30), run(team, 15)
        run(team, 30, parent=parent)
        asked = iter(range(portions))
        retention.purge(go_on=lambda: next(asked, None) is not None)
        # Whatever is left belongs together, and what is marked has no results.
        assert set(ExecutionStep.objects.values_list("execution_id", flat=True)) <= left()
        marked = Execution.objects.exclude(results_removed_at=None)
        assert not ExecutionStep.objects.filter(execution__in=marked, response__isnull=False).exists()
        retention.purge()
        assert left() == {bare.pk}
        assert ExecutionStep.objects.get().response is None
