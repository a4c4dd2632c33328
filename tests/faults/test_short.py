"""The short form of the scenarios, always run: a killed worker and a wiped broker, on the database of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from redis import Redis

from accounts.models import Team
from asynctester.embedded.processes import wait_until
from executions.models import ExecutionStep
from tests.executions.driving import begin
from tests.executions.engine.target import Target
from tests.faults.checker import check, close_book, keep_book, open_executions
from tests.faults.installation import FaultyWorker
from tests.faults.plan import flows, lasting
from tests.servers.fixtures import test_database_url
from tests.servers.stack import server_environment

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(project.IS_SQLITE, reason="the book is kept in PostgreSQL's language"),
]


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def book(transactional_db: None) -> Iterator[str]:
    """The URL of the database of the tests, which notes what must never happen."""
    url = test_database_url()
    keep_book(url)
    yield url
    close_book(url)


@pytest.fixture
def workers(book: str, tmp_path: Path) -> Iterator[list[FaultyWorker]]:
    """Two workers, on settings of little patience."""
    environment = server_environment(
        DATABASE_URL=book, REDIS_URL=project.REDIS_URL, DJANGO_SETTINGS_MODULE="tests.faults.quick_settings"
    )
    made = [FaultyWorker(environment, tmp_path / f"worker{n}.log") for n in range(2)]
    for worker in made:
        worker.start_soon()
    yield made
    for worker in made:
        worker.stop()


def test_a_kill_and_a_wipe(
    book: str, workers: list[FaultyWorker], team: Team, target: Target, settings: Any
) -> None:
    settings.ENGINE_UNCLAIMED_SECONDS = 3  # as the workers have it
    assert wait_until(lambda: all(worker.is_ready for worker in workers), within=90)
    plan = [lasting(target.url, seconds=10), *flows(1, target.url)]
    runs = [begin(team, flow["steps"], declared=flow.get("variables", ())) for flow in plan]
    (call,) = ExecutionStep.objects.filter(execution=runs[0].pk)
    assert wait_until(lambda: target.calls[f"{runs[0].pk}.{call.name}"] == 1, within=60)
    call.refresh_from_db()
    victim = next(each for each in workers if each.process and f":{each.process.pid}:" in str(call.owner))
    victim.kill()
    with Redis.from_url(project.REDIS_URL) as broker:
        broker.flushdb()
    assert wait_until(lambda: open_executions(book) == 0, within=120), [each.logs() for each in workers]
    found = check(book, accepted=[str(run.pk) for run in runs], effects=target.calls, workers=workers)
    assert found.broken == []
    assert found.losses != []  # the kill did hit the call
    assert set(found.errors) == {"interrupted"}
