"""Clocks are set by an hour, forward and back, while runs go on: a worker's, and the database's (`make soak`)."""

from __future__ import annotations

import time

import pytest

from tests.faults.clocks import Clock
from tests.faults.installation import Installation
from tests.faults.plan import lasting, plan
from tests.faults.scenario import Scenario, posting, told
from tests.servers.server import Unavailable

pytestmark = pytest.mark.soak

HOUR = 3_600
#: Calls that last longer than a lease, and over two settings of the clock.
LASTING, LASTING_SECONDS = 6, 20


@pytest.fixture
def clock(here: Installation) -> Clock:
    try:
        return Clock(here.folder / "clock")
    except Unavailable as reason:
        pytest.skip(str(reason))


def while_it_is_set(here: Installation, clock: Clock, title: str) -> None:
    """Post runs while the clock goes an hour forward, back, an hour back and right again; check what became of them."""
    scenario = Scenario(here, plan(21, runs=60, seconds=32))
    session = here.web.session()
    long = session.post("flows", json=lasting(here.base_url, LASTING_SECONDS))
    for _ in range(LASTING):
        scenario.load.post(session, long["id"])
    with posting(here, scenario.plan, scenario.load, scenario.watchers):
        for offset in (HOUR, 0, -HOUR, 0):
            time.sleep(8)
            clock.set(offset)
    found = scenario.finish(time.monotonic())
    print(told(title, scenario, found))  # noqa: T201  # the soak's figures
    assert found.broken == []
    assert scenario.load.refused == []
    assert found.errors == {}
    assert found.lost == 0
    assert set(found.statuses) == {"COMPLETED"}


def test_the_clock_of_a_worker(here: Installation, clock: Clock) -> None:
    worker = here.workers[0]
    worker.stop()
    worker.environment = {**worker.environment, **clock.environment}
    worker.start()
    while_it_is_set(here, clock, "a worker's clock set by an hour, four times")


def test_the_clock_of_the_database(here: Installation, clock: Clock) -> None:
    here.stop_database()
    here.start_database(clock.environment)
    while_it_is_set(here, clock, "the database's clock set by an hour, four times")
