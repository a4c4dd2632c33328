"""SQLite's file is locked by another process for ten seconds while runs go on (`make soak`)."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from asynctester.embedded.processes import end, wait_until
from tests.executions.engine.target import Target
from tests.faults.plan import flows
from tests.faults.scenario import Load
from tests.servers.stack import LiveStack, server_environment
from tests.servers.valkey import start_valkey

pytestmark = pytest.mark.soak

LOCKED_SECONDS = 10.0
TERMINAL = ("COMPLETED", "FAILED", "CANCELLED")


def test_another_process_locks_the_file_for_ten_seconds(tmp_path: Path) -> None:
    (tmp_path / "valkey").mkdir()
    valkey, redis_url = start_valkey(tmp_path / "valkey")
    file, target = tmp_path / "asynctester.sqlite3", Target()
    environment = server_environment(
        DATA_DIR=str(tmp_path), DATABASE_URL=f"sqlite:///{file}", REDIS_URL=redis_url
    )
    stack = LiveStack(tmp_path, environment)
    try:
        stack.start()
        _run(stack, file, target)
    finally:
        stack.stop()
        target.shutdown()
        target.server_close()
        end([valkey])


def _run(stack: LiveStack, file: Path, target: Target) -> None:
    session, load = stack.session(), Load()
    ids = [session.post("flows", json=flow)["id"] for flow in flows(31, target.url)]
    for number in range(12):
        load.post(session, ids[number % len(ids)])
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(LOCKED_SECONDS)
        other.execute("ROLLBACK")
    for number in range(12):
        load.post(session, ids[number % len(ids)])
    assert load.refused == []
    assert wait_until(lambda: all(each["status"] in TERMINAL for each in _all(stack)), within=120)
    found = _all(stack)
    assert {each["id"] for each in found} == set(load.accepted)
    errors = {
        step["error"]["code"]
        for each in found
        for step in session.get(f"executions/{each['id']}")["steps"]
        if step["error"]
    }
    assert errors <= {"interrupted"}
    unsafe = [target.calls[f"{each['id']}.unsafe"] for each in found]
    assert max(unsafe) == 1
    print(f"locked {LOCKED_SECONDS:.0f} s: {len(found)} runs, errors {errors or 'none'}")  # noqa: T201  # the soak's figures


def _all(stack: LiveStack) -> list[dict[str, str]]:
    found: list[dict[str, str]] = stack.session().get("executions", pageSize=100)["results"]
    return found
