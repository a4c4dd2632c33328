"""The outcome of an assertion, as it is stored and shown (contract, section 5)."""

from __future__ import annotations

from dataclasses import dataclass

from steprunners.budgets.effort import tick
from steprunners.json_types import Json
from steprunners.masking.display import shortened


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an assertion; `message` says why it failed, and is None where it passed.

    The values are masked.
    """

    field: str
    operator: str
    expected_value: Json
    actual_value: Json
    passed: bool
    message: str | None
    #: Whether the step type asked for it, and not the user.
    implied: bool = False

    def to_json(self) -> dict[str, Json]:
        """Return the outcome as it is stored; of a value beyond 16 KiB only the beginning is stored, as text."""
        tick()
        return {
            "field": self.field,
            "operator": self.operator,
            "expectedValue": shortened(self.expected_value),
            "actualValue": shortened(self.actual_value),
            "passed": self.passed,
            "message": self.message,
            "implied": self.implied,
        }
