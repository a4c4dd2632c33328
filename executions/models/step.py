"""The steps of an execution."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import ServiceModel, new_id
from executions.models.execution import Execution
from executions.states import STEP_TERMINAL, StepStatus
from resources.fields import EncryptedJSONField, JSONTextField


class ExecutionStep(ServiceModel):
    """One step of an execution.

    `definition` is the step's envelope; `needs` the positions of the steps that it refers to; `next_position` the
    next foreground step among its siblings (null: it is the last) and `release` the background steps between.
    `fence` is raised by every claim: a write that carries an older one changes nothing. `due_at` is when a waiting
    step may run, `look_at` when a sweeper looks at it (the lease's end while it runs).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Found by the unique constraint's index.
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="steps", db_index=False)
    position = models.IntegerField()
    name = models.CharField(max_length=64)
    flow_step_id = models.CharField(max_length=64)
    step_type = models.CharField(max_length=40)
    definition = JSONTextField()
    needs = JSONTextField(default=list, help_text="[[position, required]] of the steps that it refers to")
    group = models.IntegerField(
        null=True, blank=True, help_text="Position of the condition that it belongs to."
    )
    branch = models.SmallIntegerField(null=True, blank=True)
    end_position = models.IntegerField(help_text="Of the last step inside it; its own where none is.")
    next_position = models.IntegerField(null=True, blank=True)
    release = JSONTextField(default=list)
    branches = JSONTextField(
        null=True,
        blank=True,
        help_text="Where a condition's branches are: {index: [start, end, entry, release]}",
    )
    background = models.BooleanField(default=False)
    always_run = models.BooleanField(default=False)
    status = models.CharField(max_length=12, choices=StepStatus.choices, default=StepStatus.PENDING)
    attempts = models.IntegerField(default=0)
    owner = models.CharField(max_length=100, blank=True, default="")
    fence = models.IntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    look_at = models.DateTimeField(null=True, blank=True)
    looks = models.SmallIntegerField(default=0)
    losses = models.SmallIntegerField(default=0, help_text="How often its worker was lost.")
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.BigIntegerField(null=True, blank=True)
    awaiting = models.BooleanField(
        default=False, help_text="It waits for a background step that it refers to."
    )
    state = EncryptedJSONField(
        null=True, blank=True, editable=False, help_text="What it needs to go on after a wait."
    )
    request = JSONTextField(null=True, blank=True)
    response = JSONTextField(null=True, blank=True)
    whole_response = EncryptedJSONField(null=True, blank=True, editable=False)
    cut_paths = JSONTextField(null=True, blank=True, help_text="Where the response was cut.")
    reused = models.BooleanField(default=False)
    assertions = JSONTextField(default=list)
    extracted = JSONTextField(default=dict)
    secret_extracts = EncryptedJSONField(null=True, blank=True, editable=False)
    error = JSONTextField(null=True, blank=True)

    class Meta:
        ordering = ("position",)
        indexes = [
            models.Index(fields=["look_at"], name="step_to_look_at", condition=Q(look_at__isnull=False)),
            # What somebody looks for among all steps; the many that went well cost nothing.
            models.Index(
                fields=["status", "id"],
                name="step_not_well",
                condition=Q(status__in=["FAILED", "ERROR", "CANCELLED", "SKIPPED"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["execution", "position"], name="step_position_once"),
            models.CheckConstraint(
                name="moving_step_is_looked_at",
                condition=~Q(status__in=[StepStatus.IN_PROGRESS, StepStatus.WAITING])
                | Q(look_at__isnull=False),
            ),
            models.CheckConstraint(
                name="ended_step_is_left_alone",
                condition=~Q(status__in=sorted(STEP_TERMINAL)) | Q(look_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.name} ({self.status})"
