"""A step that takes one worker after the other down ends, with real workers that are really killed (`make soak`)."""

from __future__ import annotations

import time

import pytest

from asynctester.embedded.processes import wait_until
from executions.engine.recovery import MOST_LOSSES
from tests.faults.checker import check
from tests.faults.installation import FaultyWorker, Installation

pytestmark = pytest.mark.soak

STEP = {
    "name": "deadly",
    "stepType": "http",
    "timeoutMs": 600_000,
    "retry": {"maxRetries": 50, "initialDelayMs": 0},
}


def test_a_step_that_loses_its_worker_three_times_ends(here: Installation) -> None:
    session = here.web.session()
    url = f"{here.base_url}/effect?key=deadly&ms=600000"
    flow = session.post("flows", json={"name": "Deadly", "steps": [{**STEP, "meta": {"url": url}}]})
    execution = session.post("flows/run", json={"flowId": flow["id"]})
    for number in range(1, MOST_LOSSES + 1):
        assert wait_until(lambda number=number: here.target.calls["deadly"] == number, within=90)  # type: ignore[misc] # mypy cannot infer a lambda's default
        victim = _holder(here)
        victim.kill()
        victim.start_soon()
    assert wait_until(lambda: session.get(f"executions/{execution['id']}")["status"] == "FAILED", within=60)
    step = session.get(f"executions/{execution['id']}")["steps"][0]
    assert (step["status"], step["error"]["code"], step["attempts"]) == ("ERROR", "interrupted", MOST_LOSSES)
    time.sleep(2)
    assert here.target.calls["deadly"] == MOST_LOSSES  # and nobody goes on with it
    found = check(here.database_url, accepted=[execution["id"]], effects={}, workers=here.workers)
    assert found.broken == []
    assert len(found.losses) == MOST_LOSSES


def _holder(here: Installation) -> FaultyWorker:
    """Return the worker that runs the only step."""
    pids = here.owners()
    return next(each for each in here.workers if each.process is not None and each.process.pid in pids)
