"""One at a time for each execution; nobody waits for ever, and nothing is kept."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from executions.statements.database import locks
from executions.statements.database.locks import in_process_lock
from tests.executions.driving import at_once


@contextmanager
def occupied(execution_id: uuid.UUID) -> Iterator[None]:
    """Have another thread in the execution's block meanwhile."""
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with in_process_lock(execution_id):
            inside.set()
            leave.wait(60)

    thread = threading.Thread(target=stay)
    thread.start()
    try:
        assert inside.wait(60)
        yield
    finally:
        leave.set()
        thread.join(60)


def test_the_threads_of_one_execution_go_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "MAX_WAIT_SECONDS", 60.0)
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


def test_another_execution_s_block_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "MAX_WAIT_SECONDS", 60.0)
    with occupied(uuid.uuid4()), in_process_lock(uuid.uuid4()):
        pass  # or the test would last a minute


def test_whoever_has_waited_long_enough_goes_past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "MAX_WAIT_SECONDS", 0.05)
    execution_id = uuid.uuid4()
    with occupied(execution_id):
        with in_process_lock(execution_id):
            pass
        with in_process_lock(execution_id):  # and did not let the others in
            pass
    assert not locks._locks.get(execution_id)


def test_an_error_frees_the_block() -> None:
    execution_id = uuid.uuid4()
    with pytest.raises(ValueError, match="no"), in_process_lock(execution_id):
        raise ValueError("no")
    with occupied(execution_id):
        pass


def test_nothing_is_kept_of_an_execution_that_nobody_moves() -> None:
    execution_id = uuid.uuid4()
    with in_process_lock(execution_id):
        assert execution_id in locks._locks
    assert execution_id not in locks._locks
