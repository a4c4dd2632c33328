"""What runs rely on goes away for a while: broker, database, workers one after the other (`make soak`)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from asynctester.embedded import commands
from asynctester.embedded.processes import start, wait_until
from tests.faults.checker import Findings
from tests.faults.installation import Installation
from tests.faults.plan import plan
from tests.faults.proxy import Mode
from tests.faults.scenario import Load, Scenario, posting, told

pytestmark = pytest.mark.soak

#: A run request is answered within this time whatever becomes of the broker, in seconds.
ANSWERED_WITHIN = 5.0


def during(
    here: Installation, outage: Callable[[], None], *, seed: int, runs: int, seconds: float
) -> Scenario:
    """Post runs while the outage goes on; return the scenario, to be finished."""
    scenario = Scenario(here, plan(seed, runs=runs, seconds=seconds))
    with posting(here, scenario.plan, scenario.load, scenario.watchers):
        outage()
    return scenario


def finished(title: str, scenario: Scenario, **more: object) -> Findings:
    """Wait for all ends; print and return what was found."""
    found = scenario.finish(time.monotonic())
    print(told(title, scenario, found, **more))  # noqa: T201  # the soak's figures
    assert found.broken == []
    return found


def all_answered(load: Load) -> None:
    assert load.refused == []
    assert load.p99 < ANSWERED_WITHIN


def test_the_broker_is_frozen_for_a_minute(here: Installation) -> None:
    def outage() -> None:
        time.sleep(5)
        here.valkey.send_signal(signal.SIGSTOP)
        time.sleep(60)
        here.valkey.send_signal(signal.SIGCONT)

    scenario = during(here, outage, seed=11, runs=100, seconds=65)
    found = finished("broker frozen 60 s", scenario)
    all_answered(scenario.load)
    assert set(found.errors) <= set()
    assert set(found.statuses) == {"COMPLETED"}


def test_publishing_fails_for_half_a_minute(here: Installation) -> None:
    def outage() -> None:
        for proxy in (here.web_broker_proxy, here.broker_proxy):
            proxy.set(Mode.REFUSE)
        time.sleep(30)
        for proxy in (here.web_broker_proxy, here.broker_proxy):
            proxy.set(Mode.PASS)

    scenario = during(here, outage, seed=12, runs=60, seconds=30)
    found = finished("broker refused 30 s", scenario)
    all_answered(scenario.load)
    assert set(found.statuses) == {"COMPLETED"}


def test_a_broker_without_memory_refuses_or_evicts(here: Installation) -> None:
    def outage() -> None:
        with here.broker() as client:
            for policy in ("noeviction", "allkeys-random"):
                client.config_set("maxmemory-policy", policy)
                client.config_set("maxmemory", "1")
                time.sleep(10)
                client.config_set("maxmemory", "0")
                time.sleep(5)

    scenario = during(here, outage, seed=13, runs=60, seconds=30)
    found = finished("broker out of memory", scenario)
    all_answered(scenario.load)
    assert set(found.statuses) == {"COMPLETED"}


@pytest.mark.parametrize("mode", [Mode.DELAY, Mode.DRIP, Mode.RESET, Mode.BLACKHOLE])
def test_a_bad_line_between_workers_and_broker(here: Installation, mode: Mode) -> None:
    def outage() -> None:
        here.broker_proxy.set(mode, delay=0.001 if mode is Mode.DRIP else 0.2)
        time.sleep(15)
        here.broker_proxy.set(Mode.PASS)

    scenario = during(here, outage, seed=14, runs=30, seconds=15)
    found = finished(f"{mode} between workers and broker 15 s", scenario)
    all_answered(scenario.load)
    assert set(found.statuses) == {"COMPLETED"}


def test_the_database_is_away_for_twenty_seconds(here: Installation) -> None:
    def outage() -> None:
        time.sleep(5)
        here.stop_database()
        time.sleep(20)
        here.start_database()
        time.sleep(5)

    scenario = during(here, outage, seed=15, runs=100, seconds=35)
    found = finished("database away 20 s", scenario)
    assert set(found.errors) <= {"interrupted"}  # the result of a call that ended then could not be stored
    assert len(scenario.load.accepted) >= 20


def test_the_database_is_behind_a_black_hole(here: Installation) -> None:
    def outage() -> None:
        time.sleep(3)
        here.database_proxy.set(Mode.BLACKHOLE)
        time.sleep(20)
        here.database_proxy.set(Mode.PASS)

    scenario = during(here, outage, seed=16, runs=60, seconds=25)
    found = finished("database behind a black hole 20 s", scenario)
    all_answered(scenario.load)
    assert set(found.errors) <= {"interrupted"}


def test_twenty_rolling_restarts_interrupt_nothing(here: Installation) -> None:
    slow: list[bool] = []
    times: list[float] = []

    def outage() -> None:
        for number in range(20):
            wait_until(lambda: len(here.ready_workers()) == 2, within=60)
            worker, begun = here.workers[number % 2], time.monotonic()
            slow.append(not worker.retire(40))
            times.append(time.monotonic() - begun)
            worker.start_soon()

    scenario = during(here, outage, seed=17, runs=150, seconds=100)
    found = finished("20 rolling restarts", scenario, slowest_stop=round(max(times), 1))
    assert not any(slow)
    assert found.errors == {}
    assert set(found.statuses) == {"COMPLETED"}


def test_children_of_a_prefork_worker_are_killed(here: Installation) -> None:
    """What the kernel does to a worker that takes too much memory."""
    for worker in here.workers:
        worker.stop()
        command = [part if part != "threads" else "prefork" for part in commands.worker(3)]
        with worker.log.open("wb") as output:
            worker.process = start(command, environment=worker.environment, output=output)

    killed: list[int] = []

    def outage() -> None:
        wait_until(lambda: len(here.ready_workers()) == 2, within=60)
        for number in range(6):
            time.sleep(3)
            parent = here.workers[number % 2].process
            assert parent is not None
            children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
            killed.append(int(children[0]))
            os.kill(killed[-1], signal.SIGKILL)

    scenario = during(here, outage, seed=18, runs=60, seconds=25)
    found = finished("children killed", scenario, killed=len(killed))
    assert set(found.errors) <= {"interrupted"}
