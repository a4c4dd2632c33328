"""The lock within a process: one thread an execution, nobody waits for ever, and nothing is kept."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import Team
from executions import statements
from executions.statements.database import locks
from executions.statements.database.dialect import on_postgresql
from executions.statements.database.locks import in_process_lock, lock_timeout
from tests.executions.driving import at_once
from tests.executions.rows import make_execution

#: A thread that has to wait waits this long. One that gets the lock at once takes far less than half of it.
LONG = 20.0


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads wait long in line: whoever is not let in at once is seen by the time that it takes."""
    monkeypatch.setattr(locks, "MAX_WAIT_SECONDS", LONG)


def seconds_to_enter(execution_id: uuid.UUID) -> float:
    began = time.monotonic()
    with in_process_lock(execution_id):
        return time.monotonic() - began


@contextmanager
def occupied(execution_id: uuid.UUID) -> Iterator[None]:
    """Keep another thread in the execution's block meanwhile."""
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with in_process_lock(execution_id):
            inside.set()
            leave.wait(3 * LONG)

    thread = threading.Thread(target=stay)
    thread.start()
    try:
        assert inside.wait(2 * LONG)
        yield
    finally:
        leave.set()
        thread.join(2 * LONG)
        assert not thread.is_alive()


def test_threads_of_one_execution_go_one_by_one(patient: None) -> None:
    execution_id, inside, crowds = uuid.uuid4(), [0], []

    def go() -> None:
        for _ in range(20):
            with in_process_lock(execution_id):
                inside[0] += 1
                threading.Event().wait(0.0001)  # lets the others in, if anybody may come in
                crowds.append(inside[0])
                inside[0] -= 1

    assert at_once(*[go] * 6) == [None] * 6
    assert crowds == [1] * 120


def test_the_block_of_another_execution_is_free(patient: None) -> None:
    with occupied(uuid.uuid4()):
        assert seconds_to_enter(uuid.uuid4()) < LONG / 2


def test_an_occupied_block_is_entered_after_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "MAX_WAIT_SECONDS", 0.2)
    execution_id = uuid.uuid4()
    with occupied(execution_id):
        for _ in range(2):  # the first one has not freed the block for the second
            assert 0.15 < seconds_to_enter(execution_id) < LONG / 2


def test_an_error_frees_the_block(patient: None) -> None:
    execution_id = uuid.uuid4()
    lock = locks._locks[execution_id] = (
        threading.Lock()
    )  # kept, as by a thread in line: else a new one replaces it
    with pytest.raises(ValueError, match="no"), in_process_lock(execution_id):
        raise ValueError("no")
    assert seconds_to_enter(execution_id) < LONG / 2
    assert not lock.locked()


def test_no_lock_is_kept_for_an_unused_execution() -> None:
    execution_id = uuid.uuid4()
    with in_process_lock(execution_id):
        assert execution_id in locks._locks
    assert execution_id not in locks._locks


def test_the_lock_timeout_ends_with_its_block(alone: None, team: Team) -> None:
    if not on_postgresql():
        pytest.skip("SQLite locks no rows")
    execution, held, go = make_execution(team), threading.Event(), threading.Event()

    def hold() -> bool:
        with transaction.atomic():
            statements.execution.lock(execution.pk)
            held.set()
            return go.wait(LONG)

    def wait() -> str:
        assert held.wait(LONG)
        try:
            with (
                lock_timeout(100),
                pytest.raises(OperationalError, match="lock timeout"),
                transaction.atomic(),
            ):
                statements.execution.lock(execution.pk)
            with connection.cursor() as cursor:
                cursor.execute("SHOW lock_timeout")
                return str(cursor.fetchone()[0])
        finally:
            go.set()

    assert at_once(hold, wait) == [True, "0"]
