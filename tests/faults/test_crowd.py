"""600 WebSocket clients, a third slow, a third coming and going: all show what the database has (`make soak`)."""

from __future__ import annotations

import statistics
import threading

import pytest

from tests.faults.crowd import Member, follow_all
from tests.faults.installation import Installation

pytestmark = pytest.mark.soak

CLIENTS, RUNS = 600, 6
#: How many calls the gate refuses.
CLOSED = 1_000_000
#: What a client shows equals the database within this time after the last event, in seconds.
SHOWN_WITHIN = 2.0


def _flow(base_url: str) -> dict[str, object]:
    """Return a flow that waits at a gate until all are there, then makes twelve calls."""
    gate = {
        "name": "gate",
        "stepType": "http",
        "meta": {"url": f"{base_url}/fail?key=gate&times={CLOSED}"},
        "assertions": [{"field": "status", "operator": "equals", "expectedValue": 200}],
        "until": {"timeoutMs": 600_000, "intervalMs": 2_000},
    }
    call = {"stepType": "http", "meta": {"url": f"{base_url}/effect?key=crowd&ms=300"}}
    return {"name": "Watched by many", "steps": [gate, *({"name": f"step_{n}", **call} for n in range(12))]}


def test_what_a_crowd_shows_is_what_the_database_has(here: Installation) -> None:
    session = here.web.session()
    flow = session.post("flows", json=_flow(here.base_url))
    runs = [session.post("flows/run", json={"flowId": flow["id"]})["id"] for _ in range(RUNS)]
    members = [
        Member(runs[n % RUNS], slowness=0.1 if n % 3 == 1 else 0.0, absences=5 if n % 3 == 2 else 0)
        for n in range(CLIENTS)
    ]
    # What is published loses its connections once, in the middle of the calls.
    cut = threading.Timer(2, here.web_broker_proxy.cut)

    def open_gate() -> None:
        with here.target.lock:
            here.target.calls["gate"] = CLOSED
        cut.start()

    follow_all(session, members, when_all_see=open_gate, seconds=400)
    cut.join()
    stored = {run: session.get(f"executions/{run}") for run in runs}
    assert [each.execution_id for each in members if each.shown != stored[each.execution_id]] == []
    late = [each.ended_at - stored[each.execution_id]["completedAt"] / 1000 for each in members]
    print(  # noqa: T201  # the soak's figures
        f"{CLIENTS} clients: median {statistics.median(late):.2f} s, slowest {max(late):.2f} s after the end,"
        f" {sum(each.connections for each in members)} connections, gaps {sum(each.gaps for each in members)}"
    )
    assert sum(each.gaps for each in members) == 0
    assert max(late) <= SHOWN_WITHIN
