"""The attempts of a step."""

from __future__ import annotations

from django.db import models

from accounts.models import ServiceModel, new_id
from executions.models.step import ExecutionStep
from executions.states import StepStatus
from resources.fields import JSONTextField


class StepAttempt(ServiceModel):
    """One attempt of a step; `item` is the index inside a `forEach`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    step = models.ForeignKey(
        ExecutionStep, on_delete=models.CASCADE, related_name="attempt_history", db_index=False
    )
    number = models.IntegerField()
    item = models.IntegerField(null=True, blank=True)
    status = models.CharField(max_length=12, choices=StepStatus.choices)
    started_at = models.DateTimeField()
    completed_at = models.DateTimeField()
    duration_ms = models.BigIntegerField()
    waited_ms = models.BigIntegerField(default=0)
    request = JSONTextField(null=True, blank=True)
    response = JSONTextField(null=True, blank=True)
    assertions = JSONTextField(default=list)
    error = JSONTextField(null=True, blank=True)

    class Meta:
        ordering = ("number",)
        constraints = [models.UniqueConstraint(fields=["step", "number"], name="attempt_number_once")]

    def __str__(self) -> str:
        return f"{self.step.name} attempt {self.number} ({self.status})"
