"""A client whose connection is cut comes back and misses nothing: else the scenarios check less than they say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asynctester.embedded.processes import wait_until
from tests.executions.driving import delay
from tests.faults.installation import Installation
from tests.faults.proxy import Proxy
from tests.faults.watching import Watcher

pytestmark = pytest.mark.soak


def test_a_watcher_that_was_cut_off_comes_back(here: Installation) -> None:
    line = Proxy(("127.0.0.1", here.web.port))
    session = replace(here.web, port=line.port).session()
    steps = [delay(f"step_{number}", ms=1_000) for number in range(6)]
    flow = session.post("flows", json={"name": "Watched", "steps": steps})
    watcher = Watcher(session, session.post("flows/run", json={"flowId": flow["id"]})["id"])
    for number in range(1, 4):
        assert wait_until(lambda seen=number: watcher.snapshots == seen, within=20)  # type: ignore[misc] # mypy cannot infer a lambda's default
        line.cut()
    assert watcher.verdict(60) == []
    assert (watcher.reconnects, watcher.snapshots) == (3, 4)
    line.stop()
