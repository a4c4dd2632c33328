"""What the steps of an execution share."""

from __future__ import annotations

from django.db import models

from accounts.models import ServiceModel, new_id
from executions.models.execution import Execution
from resources.fields import EncryptedJSONField


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
