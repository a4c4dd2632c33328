"""That the database can enter an index for what is asked all the time, however many executions there are.

A test's table is so small that PostgreSQL would rather read all of it, so that, and sorting, is made dear here: a plan
that still does either has no index to use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from accounts.models import Team, User, new_id
from executions.models import Execution, ExecutionLabel, ExecutionStep, SessionState, StepAttempt
from executions.pages.run_list import Filters, _after, _newest_first, visible_runs
from executions.retention import purge as retention
from executions.selectors.labels import rows_of
from tests.executions.rows import START

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(settings.IS_SQLITE, reason="PostgreSQL's plans"),
]
NEWEST = ("-created_at", "-id")


@pytest.fixture(autouse=True)
def _reading_all_is_dear(db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_incremental_sort = off")
        yield
        cursor.execute("RESET enable_seqscan; RESET enable_sort; RESET enable_incremental_sort")


def plan_of(rows: QuerySet[Execution] | QuerySet[ExecutionStep]) -> str:
    plan = rows.explain()
    assert "Seq Scan on executions" not in plan, plan
    return plan


def test_the_newest_runs_of_a_team_are_not_sorted(alice: User, team: Team) -> None:
    plan = plan_of(visible_runs(alice, team).order_by(*NEWEST)[:51])
    assert "execution_by_team" in plan
    assert "Sort" not in plan


def test_an_old_page_begins_in_the_index(alice: User, team: Team) -> None:
    cursor = f"{datetime(2020, 1, 1, tzinfo=UTC).isoformat()}~{new_id()}"
    plan = plan_of(_after(visible_runs(alice, team), cursor).order_by(*NEWEST)[:51])
    condition = next(line for line in plan.splitlines() if "Index Cond" in line)
    assert "created_at <=" in condition


def _have_many_runs(team: Team) -> None:
    """Give the team old runs without results, and let the database know: what it knew before is other tests' doing."""
    old = {"status": "COMPLETED", "created_at": START - timedelta(days=400)}
    old |= {"completed_at": START - timedelta(days=399), "results_removed_at": START}
    runs = [Execution(team=team, labels=["nightly"], **old) for _ in range(500)]
    Execution.objects.bulk_create(runs)
    ExecutionLabel.objects.bulk_create(row for run in runs for row in rows_of(run))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE executions_execution, executions_executionlabel")


@pytest.mark.parametrize(
    ("filters", "entries"),
    [
        (Filters(status="CANCELLED"), {("execution_by_status", "status"), ("execution_by_team", "team_id")}),
        (Filters(since="1h"), {("execution_by_creation", "created_at"), ("execution_by_team", "team_id")}),
        (Filters(search="nothing"), {("execution_by_team", "team_id")}),
    ],
)
def test_filters_enter_an_index(
    alice: User, team: Team, other_team: Team, filters: Filters, entries: set[tuple[str, str]]
) -> None:
    """Which of two is the better one depends on the rows; none of these is walked from end to end."""
    _have_many_runs(other_team)
    plan = plan_of(filters.apply(visible_runs(alice, team), alice)[:51])
    assert entries & _entered(plan), plan
    assert "created_at >=" in plan or not filters.since


def test_runs_of_a_flow_are_found_by_an_index(alice: User, team: Team) -> None:
    _have_many_runs(team)
    plan = plan_of(Filters(flow=str(new_id())).apply(visible_runs(alice, team), alice)[:51])
    assert ("execution_by_flow", "flow_id") in _entered(plan), plan


def test_runs_of_a_source_are_found_by_an_index(alice: User, team: Team) -> None:
    _have_many_runs(team)
    plan = plan_of(visible_runs(alice, team).filter(source__in=["TRIGGER"])[:51])
    assert ("execution_by_source", "source") in _entered(plan), plan


@pytest.mark.parametrize("label", ["nightly", "nobody's"])
def test_a_page_of_a_label_begins_in_the_index(alice: User, team: Team, other_team: Team, label: str) -> None:
    """Whether hardly any run has it or most have, those of others too: in order, and not from the newest."""
    _have_many_runs(team)
    _have_many_runs(other_team)
    runs = Filters(label=label, since="30d").apply(visible_runs(alice, team), alice)
    cursor = f"{datetime(2020, 1, 1, tzinfo=UTC).isoformat()}~{new_id()}"
    plan = plan_of(_after(runs, cursor).order_by(*_newest_first(runs))[:51])
    assert ("execution_by_label", "label") in _entered(plan), plan
    assert "Sort" not in plan, plan
    condition = next(line for line in plan.splitlines() if "Index Cond: ((label" in line)
    assert "created_at <=" in condition
    assert "created_at >=" in condition


def _entered(plan: str) -> set[tuple[str, str]]:
    """Return the indexes that the plan enters, each with the first column that it looks for."""
    return set(re.findall(r"using (\w+) on .*\n +Index Cond: \(+(\w+)", plan))


def test_old_executions_are_found_by_their_age(team: Team) -> None:
    assert "execution_by_team" in plan_of(retention.old_executions(team).order_by("created_at", "pk")[:100])


def test_executions_without_results_are_not_read_again(team: Team) -> None:
    _have_many_runs(team)
    plan = plan_of(retention.old_results(team).order_by("created_at", "pk")[:100])
    assert "execution_with_results" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (Execution, "parent"),
        (Execution, "rerun_of"),
        (Execution, "environment"),
        (Execution, "flow"),
        (Execution, "version"),
        (Execution, "user"),
        (Execution, "team"),
        (ExecutionStep, "execution"),
        (ExecutionLabel, "execution"),
        (SessionState, "execution"),
        (StepAttempt, "step"),
    ],
)
def test_referring_rows_have_an_index_for_deletions(model: type[Execution], field: str) -> None:
    """The database looks for them at each deletion: a foreign key has no index of its own where another serves."""
    plan = plan_of(model._default_manager.filter(**{field: new_id()}).order_by())
    assert "Index Cond" in plan


def test_steps_that_went_wrong_have_an_index() -> None:
    assert "step_not_well" in plan_of(ExecutionStep.objects.filter(status="FAILED").order_by("-pk")[:50])
