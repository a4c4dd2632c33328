"""Executions, their steps and the attempts of their steps.

Only `executions/services` and the statements in `executions/moves.py` write a status.

Counts and durations are no "positive" fields: PostgreSQL reads the CHECK of each from its catalogue and compiles it for
every statement that writes such a row; with 25 of them that was an eighth of its work for a step (measured).
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import ServiceModel, Team, TenantQuerySet, User, new_id
from executions.chore_models import Chore as Chore  # noqa: PLC0414 - Django looks for models here
from executions.states import EXECUTION_TERMINAL, STEP_TERMINAL, ExecutionStatus, Source, StepStatus
from flows.models import Flow, FlowVersion
from resources.fields import EncryptedJSONField, JSONTextField
from resources.models import Environment


class Execution(ServiceModel):
    """One run of one version of a flow, or of an unsaved draft.

    How it moves: `cursor` is the position of the foreground step to be run next (null: the foreground is done);
    `remaining` counts the open steps of the current `phase`; the finisher that brings it to 0 ends the phase.
    `sequence` numbers the updates without gaps. `look_at` is when a sweeper looks at it again.
    """

    class Phase(models.TextChoices):
        """Which steps run now."""

        MAIN = "MAIN"
        CLEAN_UP = "CLEAN_UP"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # `db_index=False`: see `indexes` below. Every step changes this row twice, and each change is one more entry in
    # every index that holds the row, so an index that repeats another, or holds mostly nulls, is paid for each step.
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="executions", db_index=False)
    flow = models.ForeignKey(
        Flow, on_delete=models.SET_NULL, null=True, blank=True, related_name="executions", db_index=False
    )
    version = models.ForeignKey(
        FlowVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="executions"
    )
    flow_name = models.CharField(max_length=200)
    flow_version = models.IntegerField(null=True, blank=True, help_text="Empty for a draft.")
    draft = JSONTextField(null=True, blank=True, help_text="The document, where it was never saved.")
    status = models.CharField(max_length=12, choices=ExecutionStatus.choices, default=ExecutionStatus.PENDING)
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.MAIN)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.API)
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="executions", db_index=False
    )
    environment = models.ForeignKey(
        Environment, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="children", db_index=False
    )
    parent_position = models.IntegerField(null=True, blank=True)
    # The parent's constraint is enough: what is below it goes with it.
    root = models.ForeignKey(
        "self", on_delete=models.DO_NOTHING, null=True, blank=True, related_name="+", db_index=False,
        db_constraint=False, help_text="The execution that somebody started; empty where that is this one.",
    )  # fmt: skip
    depth = models.SmallIntegerField(default=0)
    rerun_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="reruns", db_index=False
    )
    idempotency_key = models.CharField(  # noqa: DJ001  # null, so that the unique constraint leaves runs without one alone
        max_length=200, null=True, blank=True
    )
    labels = JSONTextField(default=list)
    variables = JSONTextField(default=list, help_text="[{name, type, value, secret}], secret values masked")
    secrets = EncryptedJSONField(null=True, blank=True, editable=False, help_text="{variable: value}")
    resource_choices = JSONTextField(default=dict)
    pins = JSONTextField(default=dict, help_text="{flow id: version} of the flows it may run")
    positions = JSONTextField(default=dict, help_text="Kafka start positions")
    failed = models.BooleanField(default=False, help_text="A step that counts has failed.")
    failure = JSONTextField(
        null=True, blank=True, help_text="The first failure; becomes the error when it ends."
    )
    error = JSONTextField(null=True, blank=True)
    sequence = models.BigIntegerField(default=0)
    remaining = models.PositiveIntegerField(default=0)  # a step that two workers counted off would show here
    cursor = models.IntegerField(null=True, blank=True)
    release = JSONTextField(default=list, help_text="Background steps that start with it")
    clean_up_position = models.IntegerField(null=True, blank=True, help_text="The first clean-up step.")
    initial_delay_ms = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.BigIntegerField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requests = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True, help_text="Not started before this.")
    admitted = models.BooleanField(default=True, help_text="Its turn in the organisation has come.")
    time_limit_ms = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="How long it may last; then it is ended, and its clean-up after a while.",
    )
    timed_out = models.BooleanField(default=False)
    results_removed_at = models.DateTimeField(
        null=True, blank=True, help_text="Since then what its steps sent and got is gone (see `retention`)."
    )
    look_at = models.DateTimeField(null=True, blank=True)
    looks = models.SmallIntegerField(default=0)

    objects = TenantQuerySet.as_manager()

    #: The rows of an execution that was just created, as they were written: nothing has run yet.
    new_steps: list[ExecutionStep] | None = None

    class Meta:
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=["team", "-created_at", "-id"], name="execution_by_team"),
            models.Index(fields=["flow", "-created_at"], name="execution_by_flow"),
            models.Index(fields=["status", "-created_at"], name="execution_by_status"),
            models.Index(fields=["user", "-created_at"], name="execution_by_user"),
            models.Index(fields=["source", "-created_at"], name="execution_by_source"),
            models.Index(fields=["-created_at"], name="execution_by_creation"),
            models.Index(
                fields=["environment"],
                name="execution_by_environment",
                condition=Q(environment__isnull=False),
            ),
            models.Index(fields=["parent"], name="execution_by_parent", condition=Q(parent__isnull=False)),
            models.Index(
                fields=["rerun_of"], name="execution_by_rerun_of", condition=Q(rerun_of__isnull=False)
            ),
            models.Index(
                fields=["team", "created_at", "id"],
                name="execution_with_results",
                condition=Q(parent=None, completed_at__isnull=False, results_removed_at=None),
            ),
            models.Index(fields=["look_at"], name="execution_to_look_at", condition=Q(look_at__isnull=False)),
            models.Index(
                fields=["team", "created_at"],
                name="execution_in_line",
                condition=Q(status=ExecutionStatus.PENDING, admitted=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "user", "idempotency_key"],
                name="idempotency_key_once",
                condition=Q(idempotency_key__isnull=False),
            ),
            models.CheckConstraint(
                name="open_execution_is_looked_at",
                condition=Q(status__in=sorted(EXECUTION_TERMINAL)) | Q(look_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flow_name} {self.id}"


class ExecutionLabel(ServiceModel):
    """A label of an execution, where a filter finds it: beside its team and its time, which never change.

    See `labels` and docs/adr/0013.
    """

    pk = models.CompositePrimaryKey("execution", "label")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="label_rows", db_index=False
    )
    label = JSONTextField(help_text="As JSON: text that PostgreSQL refuses is a label too.")
    # It goes with its execution, and that before its team: no constraint, and no index to check one by.
    team = models.ForeignKey(
        Team, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    created_at = models.DateTimeField(help_text="When the execution was created.")

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["label", "-created_at", "-execution", "team"], name="execution_by_label")
        ]

    def __str__(self) -> str:
        return str(self.label)


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


class SessionState(ServiceModel):
    """What steps of one execution share under a name: the cookies of a `cookieJar`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="session_states", db_index=False
    )
    key = models.CharField(max_length=200)
    value = EncryptedJSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["execution", "key"], name="session_key_once")]

    def __str__(self) -> str:
        return self.key
