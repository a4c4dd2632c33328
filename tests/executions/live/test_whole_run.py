"""A real run by a real worker: the snapshot with all updates applied equals what REST returns."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from tests.cast import ApiFor
from tests.executions.live.conftest import Watch
from tests.executions.live.replay import apply
from tests.servers.stack import Worker

FLOW: dict[str, Any] = {
    "name": "Everything that can become of a step",
    "steps": [
        {"name": "first", "stepType": "delay", "meta": {"delayMs": 300}},
        {"name": "beside", "stepType": "delay", "meta": {"delayMs": 200}, "runInBackground": True},
        {
            "name": "left_out",
            "stepType": "delay",
            "meta": {"delayMs": 1},
            "when": {"left": 1, "operator": "equals", "right": 2},
        },
        {
            "name": "wrong",
            "stepType": "delay",
            "meta": {"delayMs": 1},
            "retry": {"maxRetries": 1, "initialDelayMs": 50, "retryOn": ["FAILED"]},
            "assertions": [{"field": "delayedMs", "operator": "lt", "expectedValue": 0}],
        },
        {"name": "never", "stepType": "delay", "meta": {"delayMs": 1}},
        {"name": "clean_up", "stepType": "delay", "meta": {"delayMs": 1}, "alwaysRun": True},
    ],
}


@pytest.mark.parametrize("round_", range(2))
def test_snapshot_and_updates_give_what_rest_gives(
    watch: Watch, worker: Worker, bob: User, api: ApiFor, round_: int
) -> None:
    started = api(bob).post("/api/v1/flows/run", {"flow": FLOW})
    assert started.status_code == 201, started.json()
    identifier = started.json()["id"]
    with watch(f"executions/{identifier}", user=bob) as client:
        first = client.next()
        updates, code = client.until_close()
    shown = first["execution"]
    for update in updates:
        shown = update["execution"] if update["updateType"] == "SNAPSHOT" else apply(shown, update)
    assert code == 1000
    assert shown == api(bob).get(f"/api/v1/executions/{identifier}").json()
    statuses = {step["name"]: step["status"] for step in shown["steps"]}
    assert statuses == {
        "first": "SUCCESS",
        "beside": "SUCCESS",
        "left_out": "SKIPPED",
        "wrong": "FAILED",
        "never": "SKIPPED",
        "clean_up": "SUCCESS",
    }
    numbers = [first["sequence"], *(update["sequence"] for update in updates)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))  # nothing was lost, nothing repeated
