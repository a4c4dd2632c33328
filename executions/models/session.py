"""What the steps of an execution share."""

from __future__ import annotations

from django.db import models

from accounts.models import ServiceModel, new_id
from executions.models.execution import Execution
from resources.fields import EncryptedJSONField

#: The position in rows that a release before 0011 writes: one for all steps of the execution.
OF_ALL_STEPS = -1


class SessionState(ServiceModel):
    """What one step of an execution changed of what its steps share under a name: the cookies of a `cookieJar`.

    Each step writes its own row, so steps that run at the same time do not overwrite each other. `value` are the
    entries that it changed, by name (`steprunners.values.sessions`); those of all steps together are the session.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="session_states", db_index=False
    )
    key = models.CharField(max_length=200, help_text="A hash of the name, which may contain a secret.")
    position = models.IntegerField(db_default=OF_ALL_STEPS, help_text="Of the step that made the changes.")
    value = EncryptedJSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["execution", "key", "position"], name="session_once_a_step")
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.position}"
