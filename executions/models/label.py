"""One label of an execution, for finding it."""

from __future__ import annotations

from django.db import models

from accounts.models import ServiceModel, Team, TenantQuerySet
from executions.models.execution import Execution
from resources.fields import JSONTextField


class ExecutionLabel(ServiceModel):
    """A label of an execution, beside the execution's team and time of creation, which never change.

    The filter by label reads these rows: see `selectors.labels` and docs/adr/0013.
    """

    pk = models.CompositePrimaryKey("execution", "label")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="label_rows", db_index=False
    )
    label = JSONTextField(help_text="As JSON: text that PostgreSQL refuses is a label too.")
    # The row is deleted with its execution, and that before its team. So it needs no constraint, and no index for one.
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
