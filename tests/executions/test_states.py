"""The table of transitions."""

from __future__ import annotations

from executions.states import (
    EXECUTION_TERMINAL,
    EXECUTION_TRANSITIONS,
    STEP_BAD,
    STEP_OPEN,
    STEP_TERMINAL,
    STEP_TRANSITIONS,
    ExecutionStatus,
    StepStatus,
)


def test_every_status_has_its_transitions() -> None:
    assert set(STEP_TRANSITIONS) == set(StepStatus)
    assert set(EXECUTION_TRANSITIONS) == set(ExecutionStatus)


def test_a_terminal_status_never_changes() -> None:
    assert {status for status, following in STEP_TRANSITIONS.items() if not following} == STEP_TERMINAL
    assert {
        status for status, following in EXECUTION_TRANSITIONS.items() if not following
    } == EXECUTION_TERMINAL


def test_open_and_terminal_part_the_steps() -> None:
    assert set(StepStatus) == STEP_OPEN | STEP_TERMINAL
    assert not STEP_OPEN & STEP_TERMINAL
    assert STEP_BAD <= STEP_TERMINAL


def test_every_status_can_be_reached() -> None:
    reached = {StepStatus.PENDING}
    for _ in StepStatus:
        reached |= {following for status in reached for following in STEP_TRANSITIONS[status]}
    assert reached == set(StepStatus)
