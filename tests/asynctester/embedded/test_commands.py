"""How many workers there are, with how many threads."""

from __future__ import annotations

import pytest

from asynctester.embedded import commands


def threads_of(command: list[str]) -> str:
    return command[command.index("--concurrency") + 1]


def test_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORKER_PROCESSES", "WORKER_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert [threads_of(each) for each in commands.workers()] == [str(commands.DEFAULT_THREADS)] * 2


def test_as_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_PROCESSES", "3")
    monkeypatch.setenv("WORKER_THREADS", "5")
    assert [threads_of(each) for each in commands.workers()] == ["5", "5", "5"]


def test_a_log_of_json_has_no_greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOG_FORMAT", raising=False)
    assert "--quiet" not in commands.worker()
    monkeypatch.setenv("LOG_FORMAT", "json")
    assert commands.worker().index("--quiet") < commands.worker().index("worker")
