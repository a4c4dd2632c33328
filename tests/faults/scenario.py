"""Runs a plan: posts executions from several threads while the main thread breaks things, waits, and checks."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from asynctester.embedded.processes import wait_until
from tests.faults.checker import Findings, check, open_executions
from tests.faults.installation import FaultyWorker, Installation
from tests.faults.losses import slowest
from tests.faults.plan import Fault, Plan, flows
from tests.faults.watching import Watcher
from tests.servers.stack import LiveSession

POSTERS = 4
WATCHED = 10
#: How long the last execution may take after the last fault. Lost messages are published again after 30 and 60 s.
PATIENCE_SECONDS = 300.0
FREEZE_SECONDS = 14.0


@dataclass
class Load:
    """Run requests and what came of them."""

    accepted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, session: LiveSession, flow_id: str) -> str | None:
        """Ask for a run; returns its id where the answer was 201."""
        begun = time.monotonic()
        try:
            answer = session.request("POST", "flows/run", json={"flowId": flow_id})
            problem = "" if answer.status_code == 201 else f"{answer.status_code}: {answer.text[:300]}"
        except requests.RequestException as error:
            problem = repr(error)
        with self.lock:
            self.seconds.append(time.monotonic() - begun)
            if problem:
                self.refused.append(problem)
                return None
            identifier: str = answer.json()["id"]
            self.accepted.append(identifier)
            return identifier

    @property
    def p99(self) -> float:
        """Seconds within which 99 of 100 requests were answered."""
        return sorted(self.seconds)[max(0, int(len(self.seconds) * 0.99) - 1)]


@dataclass
class Scenario:
    """An installation under a plan; `run` gives what the checker found."""

    here: Installation
    plan: Plan
    load: Load = field(default_factory=Load)
    watchers: list[Watcher] = field(default_factory=list)
    seconds: float = 0.0

    def run(self) -> Findings:
        """Post, break, wait for all ends, check."""
        begun = time.monotonic()
        with posting(self.here, self.plan, self.load, self.watchers):
            for at, fault in self.plan.faults:
                time.sleep(max(0.0, begun + at - time.monotonic()))
                self._break(fault, random.Random(f"{self.plan.seed} {at}"))
        return self.finish(begun)

    def finish(self, begun: float) -> Findings:
        """Bring every worker back, wait for all ends and check."""
        for worker in self.here.workers:
            if worker.process is None:
                worker.start_soon()
        url = self.here.database_url
        wait_until(lambda: _pause(0.3) and open_executions(url) == 0, within=PATIENCE_SECONDS)
        self.seconds = time.monotonic() - begun
        found = check(
            url,
            accepted=self.load.accepted,
            effects=self.here.target.calls,
            workers=self.here.workers,
        )
        for watcher in self.watchers:
            found.broken += watcher.verdict()
        return found

    def _break(self, fault: Fault, drawn: random.Random) -> None:
        ways: dict[Fault, Callable[[], object]] = {
            Fault.KILL: lambda: self._kill(drawn),
            Fault.FREEZE: lambda: self._freeze(drawn),
            Fault.WIPE: self._wipe,
            Fault.RESTART_BROKER: self.here.restart_broker,
            Fault.CUT_BROKER: self.here.broker_proxy.cut,
            Fault.CUT_DATABASE: self.here.database_proxy.cut,
            Fault.LOSE_ANSWER: lambda: self.here.database_proxy.lose(b"SUCCESS", delivered=True),
            Fault.LOSE_QUESTION: lambda: self.here.database_proxy.lose(b"SUCCESS", delivered=False),
        }
        ways[fault]()

    def _victim(self, drawn: random.Random) -> FaultyWorker:
        """Choose a worker that runs, with another that runs as well: it is the others who find out."""
        wait_until(lambda: len(self.here.ready_workers()) >= 2, within=60)
        return drawn.choice(self.here.ready_workers())

    def _kill(self, drawn: random.Random) -> None:
        victim = self._victim(drawn)
        victim.kill()
        time.sleep(drawn.uniform(0.0, 1.0))
        victim.start_soon()

    def _freeze(self, drawn: random.Random) -> None:
        victim = self._victim(drawn)
        victim.freeze()
        time.sleep(FREEZE_SECONDS)
        victim.thaw()

    def _wipe(self) -> None:
        with self.here.broker() as client:
            client.flushall()


def _pause(seconds: float) -> bool:
    time.sleep(seconds)
    return True


@contextmanager
def posting(
    here: Installation, plan: Plan, load: Load, watchers: list[Watcher] | None = None
) -> Iterator[None]:
    """Post the plan's runs beside the block, evenly over its time; ends when all are posted."""
    session = here.web.session()
    ids = [session.post("flows", json=flow)["id"] for flow in flows(plan.seed, here.base_url)]
    begun = time.monotonic()
    every = max(1, plan.runs // WATCHED)

    def post(first: int) -> None:
        own = LiveSession(here.web, session.token)
        for number in range(first, plan.runs, POSTERS):
            time.sleep(max(0.0, begun + number * plan.seconds / plan.runs - time.monotonic()))
            identifier = load.post(own, ids[number % len(ids)])
            if identifier and watchers is not None and number % every == 0:
                watchers.append(Watcher(session, identifier))

    threads = [threading.Thread(target=post, args=[first], daemon=True) for first in range(POSTERS)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()


def told(title: str, scenario: Scenario, found: Findings, **more: Any) -> str:
    """Return the figures of a scenario in one line."""
    load = scenario.load
    parts: dict[str, Any] = {
        "runs": len(load.accepted), "refused": len(load.refused), "broken": len(found.broken),
        "statuses": dict(found.statuses), "errors": dict(found.errors),
        "unsafe effects at most": found.most_effects_unsafe, "safe steps repeated": found.repeated_safe,
        "lost": found.lost, "of dead workers": len(found.losses),
        "slowest detection s": round(found.slowest_detection, 1), "slowest phases s": f"({slowest(found.losses)})",
        "watched": len(scenario.watchers), "updates": sum(each.updates for each in scenario.watchers),
        "reconnects": sum(each.reconnects for each in scenario.watchers),
        "post p99 s": round(load.p99, 2), "seconds": round(scenario.seconds), **more,
    }  # fmt: skip
    return f"{title}: " + ", ".join(f"{name} {value}" for name, value in parts.items())
