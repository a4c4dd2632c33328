"""Deletions beside a worker at work: what is deleted goes, the worker stops quietly, and nobody ends in a deadlock."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Team, User
from executions.models import Execution, ExecutionStep, StepAttempt
from executions.starting.start import start_execution
from executions.states import EXECUTION_TERMINAL, Source
from flows.models import Flow
from flows.selectors import check_for_team, newest_version
from flows.services import create_flow
from resources.models import Environment
from tests.races.racing import Answer, Request, Threads, api, page
from tests.races.rounds import allowed
from tests.races.stage import Stage, events, exists
from tests.servers.stack import Worker

RUNS = 6
ROUNDS = 3
SOAK_ROUNDS = 50
#: What a worker writes where something of ours went wrong; a line about what is gone is none.
WRONG = ("Traceback", "deadlock", "failed unexpectedly", "left to the sweeper")


@pytest.fixture
def quiet_worker(stage: Stage, worker: Worker) -> Worker:
    """A worker at work that must have nothing to complain of."""
    return worker


def complaints(worker: Worker) -> list[str]:
    """Return the lines of its log that must not be there."""
    lines = worker.log.read_text(errors="replace").splitlines()
    return [line for line in lines if any(word in line for word in WRONG)]


def deadlocks() -> int:
    """Return how many deadlocks PostgreSQL has broken in this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot(), deadlocks FROM pg_stat_database"
                       " WHERE datname = current_database()")  # fmt: skip
        return int(cursor.fetchone()[1])


def flow_of(team: Team, user: User, base_url: str) -> Flow:
    """Make a flow with calls, waits, steps in the background, retries and a child."""
    child = _made(team, user, "Child", [_call("inner", f"{base_url}/echo"), _pause("rest", 20)])
    steps = [
        _call("first", f"{base_url}/echo"),
        {**_call("beside", f"{base_url}/echo?ms=200"), "runInBackground": True},
        _pause("short", 5),
        {"name": "below", "stepType": "flow", "meta": {"flowId": str(child.pk)}},
        {**_call("again", f"{base_url}/status?code=500"), "continueOnFailure": True,
         "retry": {"maxRetries": 1, "initialDelayMs": 10}},
        {"name": "once_more", "stepType": "flow", "meta": {"flowId": str(child.pk)}},
        _call("slow", f"{base_url}/echo?ms=100"),
        {**_call("tidy", f"{base_url}/echo"), "alwaysRun": True},
    ]  # fmt: skip
    return _made(team, user, "Parent", steps)


def _made(team: Team, user: User, name: str, steps: list[dict[str, Any]]) -> Flow:
    return create_flow(team=team, user=user, document=check_for_team(team, {"name": name, "steps": steps}))


def _call(name: str, url: str) -> dict[str, Any]:
    return {"name": name, "stepType": "http", "meta": {"url": url}}


def _pause(name: str, delay_ms: int) -> dict[str, Any]:
    return {"name": name, "stepType": "delay", "meta": {"delayMs": delay_ms}}


def start(
    flow: Flow, user: User, environment: Environment | None = None, runs: int = RUNS
) -> list[Execution]:
    """Start some runs, and let them come somewhere."""
    begun = [
        start_execution(
            team=flow.team,
            user=user,
            source=Source.API,
            version=newest_version(flow),
            environment=environment,
        )
        for _ in range(runs)
    ]
    time.sleep(random.uniform(0.0, 0.5))
    return begun


def all_over(executions: list[Execution], seconds: float = 60) -> None:
    """Wait until those that are left have ended."""
    until = time.monotonic() + seconds
    ids = [each.pk for each in executions]
    left = Execution.objects.filter(pk__in=ids).exclude(status__in=sorted(EXECUTION_TERMINAL))
    while left.exists():
        assert time.monotonic() < until, list(left.values_list("status", "cursor", "remaining"))
        time.sleep(0.05)


def delete_teams(stage: Stage, racers: Threads, base_url: str, rounds: int) -> None:
    """Delete a team whose runs are under way, beside another run of it."""
    for number in range(rounds):
        team = stage.new_team()
        flow = flow_of(team, stage.alice, base_url)
        start(flow, stage.alice)
        delete, run = stage.ask("DELETE", f"teams/{team.pk}"), stage.ask("POST", f"flows/{flow.pk}/run", {})
        deleted, ran = racers.race([delete, run])
        assert (deleted.status, allowed(ran)) == (204, True), (number, deleted, ran)
        assert not exists(team)
        assert events("team.delete", team) == 1
    assert not Execution.objects.exists()
    assert not ExecutionStep.objects.exists()
    assert not StepAttempt.objects.exists()


def test_a_team_goes_with_its_runs(
    quiet_worker: Worker, stage: Stage, racers: Threads, base_url: str
) -> None:
    before = deadlocks()
    delete_teams(stage, racers, base_url, ROUNDS)
    assert complaints(quiet_worker) == []
    assert deadlocks() == before


@pytest.mark.soak
def test_teams_go_for_long(quiet_worker: Worker, stage: Stage, racers: Threads, base_url: str) -> None:
    before = deadlocks()
    delete_teams(stage, racers, base_url, SOAK_ROUNDS)
    assert complaints(quiet_worker) == []
    assert deadlocks() == before


def test_two_teams_go_at_once(quiet_worker: Worker, stage: Stage, racers: Threads, base_url: str) -> None:
    before = deadlocks()
    for _ in range(1):
        teams = [stage.new_team(), stage.new_team()]
        for team in teams:
            start(flow_of(team, stage.alice, base_url), stage.alice)
        answers = racers.race([stage.ask("DELETE", f"teams/{team.pk}") for team in teams])
        assert [each.status for each in answers] == [204, 204]
    assert not Execution.objects.exists()
    assert complaints(quiet_worker) == []
    assert deadlocks() == before


def test_an_environment_goes_and_its_runs_end(
    quiet_worker: Worker, stage: Stage, racers: Threads, base_url: str
) -> None:
    before = deadlocks()
    flow = flow_of(stage.team, stage.alice, base_url)
    for _ in range(ROUNDS):
        environment = stage.environment()
        begun = start(flow, stage.alice, environment)
        body = {"environmentId": str(environment.pk)}
        deleted, ran = racers.race([
            stage.ask("DELETE", f"environments/{environment.pk}"),
            stage.ask("POST", f"flows/{flow.pk}/run", body),
        ])  # fmt: skip
        assert deleted.status == 204, deleted
        assert allowed(ran), ran
        all_over(begun)
        children_began(begun)
    assert complaints(quiet_worker) == []
    assert deadlocks() == before


def children_began(executions: list[Execution]) -> None:
    """Check that no step went wrong because of what was deleted under it."""
    broken = ExecutionStep.objects.filter(execution__in=executions, status="ERROR").exclude(name="again")
    assert list(broken.values_list("name", "error")) == []


def test_a_flow_goes_and_its_runs_end(
    quiet_worker: Worker, stage: Stage, racers: Threads, base_url: str
) -> None:
    for _ in range(1):
        flow = flow_of(stage.team, stage.alice, base_url)
        begun = start(flow, stage.alice)
        put = {"name": "Saved", "steps": [_pause("only", 1)]}
        deleted, saved = racers.race([
            stage.ask("DELETE", f"flows/{flow.pk}"), stage.ask("PUT", f"flows/{flow.pk}", put),
        ])  # fmt: skip
        assert (deleted.status, allowed(saved)) == (204, True)
        all_over(begun)
    assert complaints(quiet_worker) == []


def test_executions_are_cancelled_and_deleted_while_they_run(
    quiet_worker: Worker, stage: Stage, racers: Threads, base_url: str
) -> None:
    before = deadlocks()
    flow = flow_of(stage.team, stage.alice, base_url)
    for execution in start(flow, stage.alice, runs=4):
        path = f"executions/{execution.pk}"
        cancelled, deleted = racers.race([
            stage.ask("POST", f"{path}/cancel"), stage.ask("DELETE", path),
        ])  # fmt: skip
        assert all(map(allowed, (cancelled, deleted))), (cancelled, deleted)
        assert exists(execution) is not deleted.ok
        twice = racers.race([stage.ask("DELETE", path)] * 2)
        assert sum(each.status == 204 for each in twice) <= (0 if deleted.ok else 1)
    assert complaints(quiet_worker) == []
    assert deadlocks() == before


def test_a_user_goes_and_their_runs_end(
    quiet_worker: Worker, stage: Stage, racers: Threads, base_url: str
) -> None:
    User.objects.filter(pk=stage.bob.pk).update(is_staff=True, is_superuser=True)
    stage.bob.refresh_from_db()
    before = deadlocks()
    flow = flow_of(stage.team, stage.alice, base_url)
    for _ in range(1):
        user = stage.member(team_role="EDITOR")
        begun = start(flow, user)
        delete = _admin_page(stage.bob, f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"})
        deleted, ran = racers.race([delete, api(user, "POST", f"flows/{flow.pk}/run", {})])
        assert deleted.status == 302, deleted
        assert allowed(ran), ran
        assert not exists(user)
        all_over(begun)
        children_began(begun)
    assert complaints(quiet_worker) == []
    assert deadlocks() == before


def _admin_page(user: User, path: str, form: dict[str, Any]) -> Request:
    client = Client()
    client.force_login(user)
    return page(client, path, form)


def test_runs_of_nobody_with_one_key_are_one(stage: Stage, racers: Threads) -> None:
    flow = stage.flow()
    for _ in range(ROUNDS):
        key = stage.name("key")

        def run(key: str = key) -> Answer:
            begun = start_execution(
                team=flow.team,
                user=None,
                source=Source.API,
                version=newest_version(flow),
                idempotency_key=key,
            )
            return Answer(201, {"id": str(begun.pk)})

        first, second = racers.race([run, run])
        assert first.data == second.data
        assert Execution.objects.filter(idempotency_key=key).count() == 1
