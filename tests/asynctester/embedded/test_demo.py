"""The lines that the terminal shows of a run."""

from __future__ import annotations

from typing import Any

from asynctester.embedded.demo import Progress, step_line


def step(status: str, attempts: int = 1, **changes: Any) -> dict[str, Any]:
    whole = {
        "id": "s1", "name": "receipt", "stepType": "http", "status": status, "attempts": attempts,
        "durationMs": 31, "background": False, "error": None,
    }  # fmt: skip
    return whole | changes


def test_a_step_that_ended_shows_its_time_and_attempts() -> None:
    line = step_line(step("SUCCESS", attempts=3, background=True))
    assert line.split() == [
        "✓",
        "receipt",
        "http",
        "ok",
        "31",
        "ms",
        "on",
        "attempt",
        "3",
        "in",
        "the",
        "background",
    ]


def test_an_error_is_told() -> None:
    line = step_line(step("ERROR", error={"code": "connection", "message": "refused by 127.0.0.1"}))
    assert line.endswith("refused by 127.0.0.1")


def test_every_move_is_told_once_and_the_outcome_last() -> None:
    said: list[str] = []
    progress = Progress(said.append)
    progress.show({"status": "PENDING", "steps": [step("PENDING", 0)]})
    for state in (step("IN_PROGRESS", 0), step("WAITING", 1), step("IN_PROGRESS", 1), step("SUCCESS", 2)):
        progress.show({"status": "IN_PROGRESS", "steps": [state]})
        progress.show({"status": "IN_PROGRESS", "steps": [state]})
    progress.show({"status": "COMPLETED", "durationMs": 1234})
    assert progress.finish() == "COMPLETED"
    assert [line.split()[0] for line in said] == ["▸", "…", "✓", "✓"]
    assert said[-1] == "✓ COMPLETED after 1.2 s"


def test_a_failed_run_says_so() -> None:
    said: list[str] = []
    progress = Progress(said.append)
    progress.show({"status": "FAILED", "durationMs": None})
    assert progress.finish() == "FAILED"
    assert said == ["✗ FAILED"]
