"""Statuses, and the table of their transitions (contract, section 2)."""

from django.db import models


class ExecutionStatus(models.TextChoices):
    """The status of an execution."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class StepStatus(models.TextChoices):
    """The status of a step."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    WAITING = "WAITING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    ERROR = "ERROR"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


class Source(models.TextChoices):
    """Who or what started an execution."""

    API = "API"
    PAGE = "PAGE"
    ADMIN = "ADMIN"
    CLI = "CLI"
    SUITE = "SUITE"
    SCHEDULE = "SCHEDULE"
    TRIGGER = "TRIGGER"
    FLOW = "FLOW"


EXECUTION_TERMINAL = frozenset({ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED})
STEP_OPEN = frozenset({StepStatus.PENDING, StepStatus.IN_PROGRESS, StepStatus.WAITING})
STEP_TERMINAL = frozenset(set(StepStatus) - STEP_OPEN)
STEP_BAD = frozenset({StepStatus.FAILED, StepStatus.ERROR})

EXECUTION_TRANSITIONS: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    ExecutionStatus.PENDING: frozenset({ExecutionStatus.IN_PROGRESS, ExecutionStatus.CANCELLED}),
    ExecutionStatus.IN_PROGRESS: EXECUTION_TERMINAL,
    ExecutionStatus.COMPLETED: frozenset(),
    ExecutionStatus.FAILED: frozenset(),
    ExecutionStatus.CANCELLED: frozenset(),
}
STEP_TRANSITIONS: dict[StepStatus, frozenset[StepStatus]] = {
    StepStatus.PENDING: frozenset({StepStatus.IN_PROGRESS, StepStatus.SKIPPED, StepStatus.CANCELLED}),
    StepStatus.IN_PROGRESS: STEP_TERMINAL | {StepStatus.WAITING},
    StepStatus.WAITING: STEP_TERMINAL | {StepStatus.IN_PROGRESS},
    **{status: frozenset() for status in STEP_TERMINAL},
}

#: In `ExecutionStep.needs`, in place of whether the result is required: a background listener. The step waits for its
#: start, not for its end.
START = "START"
