"""A web server on SQLite whose disk is full (data, log and temporary files alike), or whose file is locked."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings

from tests.faults.site import filled, mounted
from tests.servers.plugin import FOLDER_VARIABLE
from tests.servers.stack import LiveSession, LiveStack, server_environment

pytestmark = pytest.mark.processes
FLOW: dict[str, Any] = {
    "name": "Small",
    "steps": [{"name": "wait", "stepType": "delay", "meta": {"delayMs": 1}}],
}
LARGE = {**FLOW, "labels": ["x"], "nonsense": "x" * 4_000_000}  # so that Django writes it to a temporary file


@pytest.fixture(scope="module")
def here() -> Iterator[LiveSession]:
    """A session; everything that the web server writes is on a small disk."""
    folder = Path(tempfile.mkdtemp(prefix="full", dir=os.environ[FOLDER_VARIABLE]))
    with ExitStack() as stack:
        if not mounted(folder, stack, size="64m"):
            pytest.skip("mounting a small disk is not allowed here")
        (folder / "tmp").mkdir()
        web = LiveStack(
            folder,
            server_environment(
                DATA_DIR=str(folder),
                DATABASE_URL=f"sqlite:///{folder / 'x.sqlite3'}",
                REDIS_URL=settings.REDIS_URL,
                PROMETHEUS_MULTIPROC_DIR=str(folder / "metrics"),
                TMPDIR=str(folder / "tmp"),
            ),
        )
        web.manage("bootstrap")
        web.start_web()
        stack.callback(web.stop)
        yield web.session()


def is_outage(answer: requests.Response) -> bool:
    return (
        answer.status_code == 503
        and answer.json()["errors"][0]["code"] == "unavailable"
        and answer.headers["Retry-After"].isdigit()
    )


def test_a_full_disk(here: LiveSession) -> None:
    assert here.request("POST", "flows", json=FLOW).status_code == 201
    assert here.request("POST", "flows", json=LARGE).status_code == 400
    with filled(here.stack.folder):
        made = [here.request("POST", "flows", json=FLOW) for _ in range(30)]
        assert all(answer.status_code == 201 or is_outage(answer) for answer in made)
        assert is_outage(made[-1])
        assert is_outage(here.request("POST", "flows", json=LARGE))
        assert here.request("GET", "flows").status_code == 200
    assert here.request("POST", "flows", json=LARGE).status_code == 400
    assert here.request("POST", "flows", json=FLOW).status_code == 201
    count = here.get("flows")["count"]
    assert count >= 2 + len([answer for answer in made if answer.status_code == 201])


def test_a_file_that_another_writer_keeps(here: LiveSession) -> None:
    other = sqlite3.connect(here.stack.folder / "x.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert is_outage(here.request("POST", "flows", json=FLOW))
    assert here.request("GET", "flows").status_code == 200
    other.execute("ROLLBACK")
    assert here.request("POST", "flows", json=FLOW).status_code == 201
    other.close()
