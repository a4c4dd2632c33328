"""Executions, their steps and the attempts of their steps.

Only `executions.starting` (for new rows) and `executions.statements` write a status.

Counts and durations are not "positive" fields. PostgreSQL reads the CHECK of each from its catalogue and compiles it
for every statement that writes such a row. With 25 of them that was an eighth of its work for a step (measured).
"""

from executions.models.attempt import StepAttempt
from executions.models.chore import Chore
from executions.models.execution import Execution
from executions.models.label import ExecutionLabel
from executions.models.session import SessionState
from executions.models.step import ExecutionStep

__all__ = ["Chore", "Execution", "ExecutionLabel", "ExecutionStep", "SessionState", "StepAttempt"]
