"""Tests of `executions.selectors.labels`: a label finds exactly the runs that have it, on pages, API and admin."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import Team, User
from accounts.services import organisations as services
from executions.models import Execution, ExecutionLabel
from executions.retention.delete import delete_execution
from executions.selectors import labels
from executions.selectors.labels import fill, labelled
from tests.cast import ApiFor, PageFor
from tests.executions.driving import begin, delay
from tests.executions.rows import START, make_execution

pytestmark = pytest.mark.django_db

#: Quotes, what PostgreSQL refuses as text, what is no Unicode, and the longest as JSON.
ODD = ['größe "x"', "a\x00b", "\ud800", "😀" * 100, "%", "\\"]


def found(user: User, label: str) -> set[Any]:
    return set(labelled(Execution.objects.visible_to(user), label, user).values_list("pk", flat=True))


def written() -> set[tuple[Any, ...]]:
    return set(ExecutionLabel.objects.values_list("execution", "label", "team", "created_at"))


def test_they_are_written_with_the_run(driven: None, team: Team, alice: User) -> None:
    run = begin(team, [delay("a")], user=alice, labels=["x", "y", "x", *ODD])
    assert written() == {(run.pk, label, team.pk, run.created_at) for label in ("x", "y", *ODD)}


def test_a_run_without_labels_costs_no_statement(driven: None, team: Team, alice: User) -> None:
    said: list[str] = []

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        said.append(sql)
        return execute(sql, params, many, context)

    for given, statements in (["x", "y"], 1), ([], 0):
        said.clear()
        with connection.execute_wrapper(listen):
            begin(team, [delay("a")], user=alice, labels=given)
        assert len([sql for sql in said if "executionlabel" in sql]) == statements


@pytest.mark.parametrize("label", ["nightly", *ODD], ids=ascii)
def test_a_label_finds_those_that_have_it(team: Team, alice: User, label: str) -> None:
    both = {make_execution(team, labels=[label, "other"]).pk, make_execution(team, labels=[label]).pk}
    make_execution(team, labels=["other", label + "x", label[:-1]])
    assert found(alice, label) == both


def test_others_labels_find_nothing(team: Team, other_team: Team, vera: User, charlie: User) -> None:
    own, theirs = (make_execution(each, labels=["nightly"]).pk for each in (team, other_team))
    assert (found(vera, "nightly"), found(charlie, "nightly")) == ({own}, {theirs})


def _runs(team: Team, count: int) -> list[str]:
    """Make runs, three of which share each time, every second one labelled; return those, newest first."""
    for number in range(count):
        at = START + timedelta(seconds=number // 3)
        make_execution(team, labels=["nightly"] if number % 2 else ["other"], created_at=at)
    runs = Execution.objects.order_by("-created_at", "-pk")
    return [str(run.pk) for run in runs if "nightly" in run.labels]


@pytest.mark.parametrize("ordering", ["-createdAt", "createdAt"])
def test_rest_pages_follow_each_other(api: ApiFor, vera: User, team: Team, ordering: str) -> None:
    wanted, seen = _runs(team, 20), []
    url: str | None = f"/api/v1/executions?label=nightly&pageSize=4&ordering={ordering}"
    while url:
        page = api(vera).get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == wanted if ordering == "-createdAt" else seen == wanted[::-1]


def test_pages_of_the_list_follow_each_other(
    page: PageFor, alice: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executions.pages.run_list.PAGE_SIZE", 4)
    wanted, seen = _runs(team, 20), []
    browser, query = page(alice), "?label=nightly"
    while query:
        context = browser.get(f"/executions{query}").context
        seen += [str(row.run.pk) for row in context["rows"]]
        query = context["next_url"] if "cursor" in context["next_url"] else ""
        assert [str(bar.run.pk) for bar in context["outcomes"]] == wanted[::-1]
    assert seen == wanted


def test_with_the_other_filters(api: ApiFor, vera: User, team: Team) -> None:
    for number, status in enumerate(["FAILED", "COMPLETED", "FAILED"]):
        make_execution(
            team,
            labels=["nightly"],
            status=status,
            created_at=START + timedelta(minutes=number),
            source="CLI",
        )
    start = int(START.timestamp() * 1000)
    times = {"since": start + 60_000, "until": start + 180_000}
    for more, count in (({}, 2), ({"status": "FAILED"}, 1), ({"source": "API"}, 0), ({"source": "CLI"}, 2)):
        query: dict[str, Any] = {"label": "nightly", **times, **more}
        answer = api(vera).get("/api/v1/executions", query)
        assert len(answer.json()["results"]) == count


def test_what_is_missing_is_filled_in_once(
    team: Team, other_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "BATCH", 2)
    for number in range(5):
        make_execution((team, other_team)[number % 2], labels=["nightly", *ODD])
    make_execution(team)
    before = written()
    ExecutionLabel.objects.exclude(label="nightly").delete()
    assert fill(Execution.objects, ExecutionLabel.objects) == 5 * len(ODD)
    assert written() == before
    assert fill(Execution.objects, ExecutionLabel.objects) == 0


def test_the_migration_fills_them_in(team: Team) -> None:
    make_execution(team, labels=["nightly"])
    before = written()
    ExecutionLabel.objects.all().delete()
    import_module("executions.migrations.0008_fill_labels").fill_labels(apps, None)
    assert written() == before


def test_they_go_with_the_run(team: Team) -> None:
    gone, kept = (make_execution(team, labels=["nightly"], status="COMPLETED") for _ in range(2))
    child = make_execution(team, labels=["nightly"], status="COMPLETED", parent=gone)
    delete_execution(execution=gone)
    assert {row[0] for row in written()} == {kept.pk}
    assert not Execution.objects.filter(pk=child.pk).exists()


def test_they_go_with_the_team(team: Team, other_team: Team) -> None:
    make_execution(team, labels=["nightly"], status="COMPLETED")
    make_execution(team, labels=["nightly"])  # it still runs
    kept = make_execution(other_team, labels=["nightly"])
    services.delete_team(team=team)
    assert {row[0] for row in written()} == {kept.pk}
