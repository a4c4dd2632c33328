"""What came of one run of a claimed step, with all that is needed to store it."""

from __future__ import annotations

from dataclasses import dataclass, field

from executions.engine import attempt_records
from executions.known_secrets import ExecutionSecrets
from executions.models import Execution, ExecutionStep, StepAttempt
from executions.statements.step import Change
from steprunners.documents.envelope import StepEnvelope
from steprunners.lifecycle.attempts import Attempt
from steprunners.masking.masker import Masker


@dataclass
class Outcome:
    """One run of a claimed step; `earlier` are the attempts that it made before its last one."""

    step: ExecutionStep
    execution: Execution
    envelope: StepEnvelope
    known_secrets: ExecutionSecrets
    earlier: list[Attempt] = field(default_factory=list)

    @property
    def masker(self) -> Masker:
        """What masks everything that is secret in the execution by now."""
        return self.known_secrets.masker

    def earlier_rows(self) -> list[StepAttempt]:
        """Return the unsaved rows of the earlier attempts."""
        masker, first = self.masker, self.step.attempts + 1
        return [
            attempt_records.attempt_row(
                self.step, attempt, attempt_records.stored(attempt, masker), first + index
            )
            for index, attempt in enumerate(self.earlier)
        ]

    def unfinished(self) -> tuple[Change, list[StepAttempt]]:
        """Return the columns and attempt rows to store where the step is not finished after these attempts."""
        if not self.earlier:
            return Change(), []
        newest = self.earlier[-1]
        number = self.step.attempts + len(self.earlier)
        change = attempt_records.change_of(attempt_records.stored(newest, self.masker), number)
        return change, self.earlier_rows()
