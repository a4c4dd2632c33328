"""Executions: one run of a flow."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from accounts.models import ServiceModel, Team, TenantQuerySet, User, new_id
from executions.states import EXECUTION_TERMINAL, ExecutionStatus, Source
from flows.models import Flow, FlowVersion
from resources.fields import EncryptedJSONField, JSONTextField
from resources.models import Environment


def forget_user(collector: Any, field: models.Field[Any, Any], executions: Any, using: str) -> None:
    """Handle the deletion of a user (`on_delete`): their executions stay, without the user and without keys.

    A key belongs to its user, so nobody can repeat the request any more. If it stayed, it would be the key of a run
    without a user, and may be there already.
    """
    # The key first: once the user is gone, the rows are not found any more.
    key = field.model._meta.get_field("idempotency_key")
    collector.add_field_update(key, None, executions)
    models.SET_NULL(collector, field, executions, using)


class Execution(ServiceModel):
    """One run of one version of a flow, or of an unsaved draft.

    `cursor` is the position of the foreground step to run next (null: the foreground is done). `remaining` counts the
    open steps of the current `phase`; the worker that brings it to 0 ends the phase. `sequence` numbers the updates
    without gaps. `look_at` is when a sweeper looks at it again.
    """

    class Phase(models.TextChoices):
        """Which steps run now."""

        MAIN = "MAIN"
        CLEAN_UP = "CLEAN_UP"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # `db_index=False`: see `indexes` below. Every step changes this row twice. Each change may write an entry in every
    # index that holds the row. So each step pays for an index that repeats another, or that holds mostly nulls.
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
        User, on_delete=forget_user, null=True, blank=True, related_name="executions", db_index=False
    )
    environment = models.ForeignKey(
        Environment, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="children", db_index=False
    )
    parent_position = models.IntegerField(null=True, blank=True)
    # The constraint of the parent is enough: an execution is deleted with its parent.
    root = models.ForeignKey(
        "self", on_delete=models.DO_NOTHING, null=True, blank=True, related_name="+", db_index=False,
        db_constraint=False, help_text="The execution that somebody started; empty where that is this one.",
    )  # fmt: skip
    depth = models.SmallIntegerField(default=0)
    rerun_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="reruns", db_index=False
    )
    idempotency_key = models.CharField(  # noqa: DJ001  # null, so that the unique constraints ignore runs without a key
        max_length=200, null=True, blank=True
    )
    request_fingerprint = models.CharField(
        max_length=64,
        default="",
        db_default="",
        blank=True,
        help_text="Of the request with the idempotency key.",
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
    remaining = models.PositiveIntegerField(default=0)  # its CHECK shows when two workers count off one step
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

    #: The steps of an execution that was just created, as they were written: nothing has run yet. They are instances
    #: of ExecutionStep, whose module imports this one.
    new_steps: list[Any] | None = None

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
            # NULLs are distinct in the constraint above. (`nulls_distinct=False` needs PostgreSQL 15, and is not for
            # SQLite.)
            models.UniqueConstraint(
                fields=["team", "idempotency_key"],
                name="idempotency_key_once_without_user",
                condition=Q(user__isnull=True, idempotency_key__isnull=False),
            ),
            models.CheckConstraint(
                name="open_execution_is_looked_at",
                condition=Q(status__in=sorted(EXECUTION_TERMINAL)) | Q(look_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flow_name} {self.id}"
