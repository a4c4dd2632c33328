"""What a re-run reuses of the earlier run: results, values, secrets, the version; and what it refuses."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from accounts.models import Team, User
from executions import statements
from executions.models import Execution
from executions.starting.admission import RunRefused
from executions.starting.rerun import rerun
from executions.starting.start import start_execution
from executions.statements.database.locks import lock_timeout
from executions.states import Source
from flows.documents.document import check_document
from flows.models import Flow
from flows.services import create_flow, delete_flow, save_version
from tests.executions.driving import begin, choice, delay, drive, statuses, step_of

WRONG = [{"field": "delayedMs", "operator": "lt", "expectedValue": 0}]


def again(execution: Execution, user: User, **options: Any) -> Execution:
    return rerun(execution=execution, user=user, source=Source.API, **options)


def refused(execution: Execution, user: User, **options: Any) -> tuple[str, str]:
    """Return the place and the code of the refusal."""
    with pytest.raises(RunRefused) as caught:
        again(execution, user, **options)
    (problem,) = caught.value.problems
    return problem.place, problem.code


def names_reused(execution: Execution) -> list[str]:
    return list(execution.steps.filter(reused=True).values_list("name", flat=True))


@pytest.fixture
def failed(driven: None, team: Team) -> Execution:
    """A run of four steps whose third failed, with a clean-up step."""
    steps = [delay("a"), delay("b"), delay("c", assertions=WRONG), delay("d"), delay("tidy", alwaysRun=True)]
    return drive(begin(team, steps))


def test_from_the_start_nothing_is_reused(failed: Execution, alice: User) -> None:
    new = again(failed, alice)
    assert (new.rerun_of, names_reused(new)) == (failed, [])
    assert set(statuses(new).values()) == {"PENDING"}


def test_from_the_failed_step_earlier_results_are_reused(failed: Execution, alice: User) -> None:
    new = again(failed, alice, from_="FAILED")
    assert names_reused(new) == ["a", "b"]
    taken, old = step_of(new, "b"), step_of(failed, "b")
    assert (taken.status, taken.response, taken.started_at) == ("SUCCESS", old.response, old.started_at)
    done = drive(new)
    assert statuses(done) == {
        "a": "SUCCESS",
        "b": "SUCCESS",
        "c": "FAILED",
        "d": "SKIPPED",
        "tidy": "SUCCESS",
    }


def test_from_a_named_step(failed: Execution, alice: User) -> None:
    assert names_reused(again(failed, alice, from_step="b")) == ["a"]


def test_steps_that_the_earlier_run_did_not_reach_are_skipped(failed: Execution, alice: User) -> None:
    failed.steps.filter(name="b").update(status="PENDING")
    new = again(failed, alice, from_step="d")
    assert statuses(new) == {"a": "SUCCESS", "b": "SKIPPED", "c": "FAILED", "d": "PENDING", "tidy": "PENDING"}


def test_a_step_inside_a_branch_begins_with_its_condition(driven: None, team: Team, alice: User) -> None:
    run = drive(begin(team, [delay("a"), choice("c", [delay("inside")]), delay("z")]))
    new = again(run, alice, from_step="inside")
    assert names_reused(new) == ["a"]
    assert statuses(drive(new)) == {"a": "SUCCESS", "c": "SUCCESS", "inside": "SUCCESS", "z": "SUCCESS"}


def test_background_steps_from_there_on_start_with_it(driven: None, team: Team, alice: User) -> None:
    steps = [
        delay("before", runInBackground=True), delay("a"), delay("beside", runInBackground=True), delay("z"),
    ]  # fmt: skip
    run = drive(begin(team, steps))
    new = again(run, alice, from_step="beside")
    assert names_reused(new) == ["before", "a"]
    assert (new.cursor, new.release) == (3, [2])
    assert drive(new).status == "COMPLETED"


def test_impossible_start_steps_are_refused(failed: Execution, team: Team, alice: User) -> None:
    assert refused(failed, alice, from_step="nope") == ("fromStep", "unknown")
    assert refused(failed, alice, from_step="tidy") == ("fromStep", "not_possible")
    fine = drive(begin(team, [delay("a")]))
    assert refused(fine, alice, from_="FAILED") == ("from", "nothing_failed")


def test_values_and_secrets_go_along(driven: None, team: Team, alice: User) -> None:
    declared = [
        {"name": "size", "type": "integer", "required": True},
        {"name": "key", "type": "string", "secret": True, "required": True},
    ]
    given = [{"name": "size", "value": 7}, {"name": "key", "value": "s3cret"}]
    run = begin(team, [delay("a")], declared=declared, variables=given)
    new = again(drive(run), alice)
    assert {each["name"]: each["value"] for each in new.variables}["size"] == 7
    assert new.secrets["variables"] == {"key": "s3cret"}
    assert "s3cret" not in str(new.variables)


def test_what_was_secret_in_the_earlier_run_stays_so(driven: None, team: Team, alice: User) -> None:
    declared: list[dict[str, Any]] = [
        {"name": "key", "type": "string", "secret": True, "defaultValue": "s3cret"},
        {"name": "made", "type": "string", "defaultValue": "${sha256(key)}"},
    ]
    run = drive(begin(team, [delay("a")], declared=declared))
    Execution.objects.filter(pk=run.pk).update(secrets={"variables": {"made": "hash of an older key"}})
    new = again(Execution.objects.get(pk=run.pk), alice)
    assert new.secrets["variables"]["made"] == "hash of an older key"
    assert "older key" not in str(new.variables)


@pytest.fixture
def saved(driven: None, team: Team, alice: User) -> tuple[Flow, Execution]:
    """A flow, and a run of its first version; it has a second by now."""
    flow = create_flow(team=team, user=alice, document=document("old"))
    version = flow.versions.get()
    run = drive(start_execution(team=team, user=alice, source=Source.API, version=version))
    save_version(flow=flow, user=alice, document=document("new"))
    return flow, run


def document(step: str) -> Any:
    return check_document({"name": "Saved", "steps": [delay(step)]})


def test_the_same_version_or_the_newest(saved: tuple[Flow, Execution], alice: User) -> None:
    assert statuses(again(saved[1], alice)) == {"old": "PENDING"}
    assert statuses(again(saved[1], alice, version="LATEST")) == {"new": "PENDING"}


def test_of_a_deleted_flow_only_the_same_version(saved: tuple[Flow, Execution], alice: User) -> None:
    flow, run = saved
    delete_flow(flow=flow)
    run = Execution.objects.get(pk=run.pk)
    assert refused(run, alice, version="LATEST") == ("version", "not_found")
    assert statuses(again(run, alice)) == {"old": "PENDING"}


@pytest.mark.skipif(settings.IS_SQLITE, reason="SQLite has one writer at a time")
def test_a_running_execution_and_its_rerun_do_not_deadlock(alone: None, team: Team, alice: User) -> None:
    """They would for ever: a start near the limit waits for those that let this run begin, and these for its row."""
    waits = begin(team, [delay("a")])
    moved, asked = threading.Event(), threading.Event()

    def move() -> None:
        try:
            with transaction.atomic():
                statements.execution.lock(waits.pk)
                moved.set()
                asked.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=move)
    thread.start()
    try:
        assert moved.wait(30)
        with lock_timeout(5_000):
            assert again(waits, alice).rerun_of == waits
    finally:
        asked.set()
        thread.join(30)
