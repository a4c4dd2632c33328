"""What the tests that drive the engine themselves need."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from executions.runtime.leases import CHECK_SECONDS, leases
from steprunners.kinds.delay import DelayRunner
from tests.servers.stack import Worker


@pytest.fixture(scope="session")
def engine_threads(django_db_setup: None) -> Iterator[None]:
    """Let the engine's threads give their connections back before the test database is dropped."""
    yield
    deadline = time.monotonic() + 10
    while leases.held() and time.monotonic() < deadline:
        time.sleep(CHECK_SECONDS)
    time.sleep(2 * CHECK_SECONDS)


@pytest.fixture
def driven(engine_threads: None, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test carries flows on by itself, in its own transaction: no worker sees them."""
    # Nor does the thread that keeps leases: it would end a step of half a second as one that was deleted.
    for name in ("_end_cancelled", "_renew"):
        monkeypatch.setattr(f"executions.runtime.leases.{name}", lambda _held: None)


@pytest.fixture
def alone(engine_threads: None, transactional_db: None, worker_process: Worker) -> None:
    """Real commits, and no worker beside the test that might be first."""
    worker_process.stop()


@pytest.fixture
def with_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `delay` taken for a step that does something to the outside."""
    monkeypatch.setattr(DelayRunner, "repeatable", False)
