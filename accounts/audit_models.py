"""The audit log's table: one row for each thing that somebody did. Rows are only ever added.

PostgreSQL refuses UPDATE and early DELETE by triggers (SQLite UPDATE); the model refuses both everywhere. Ids are
kept without foreign keys and names as they were: the log outlives what it speaks of.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, Self

from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.audit.origin import LONGEST_USER_AGENT
from accounts.service_models import ServiceModel

if TYPE_CHECKING:
    from accounts.models import AnyUser

#: Nothing younger can be deleted, whatever the setting says; the triggers in the migration hold the same number.
SHORTEST_RETENTION = timedelta(days=30)

LONGEST_NAME = 200


class AppendOnly(Exception):
    """Somebody tried to change the audit log."""


class AuditQuerySet(models.QuerySet["AuditEvent"]):
    """Queries that start from a user, and change nothing."""

    def visible_to(self, user: AnyUser) -> Self:
        """Return the events of the teams and organisations whose log the user may read, and their own sign-ins."""
        from accounts.audit.log import readable_by  # noqa: PLC0415 - the models come before the rules

        return self.filter(readable_by(user))

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnly

    def delete(self) -> NoReturn:
        """Refuse: `audit.prune` is the only way out."""
        raise AppendOnly


class AuditEvent(ServiceModel):
    """Who did what to what, when, from where."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    action = models.CharField(max_length=50, help_text="noun.verb, e.g. flow.delete")
    actor_id = models.UUIDField(null=True)
    actor_name = models.CharField(max_length=254, blank=True, help_text="The e-mail address at that time.")
    organisation_id = models.UUIDField(null=True)
    team_id = models.UUIDField(null=True)
    team_name = models.CharField(max_length=LONGEST_NAME, blank=True)
    target_type = models.CharField(max_length=50, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    target_name = models.CharField(max_length=LONGEST_NAME, blank=True)
    door = models.CharField(max_length=10)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=LONGEST_USER_AGENT, blank=True)
    token_id = models.UUIDField(null=True, help_text="The API token that was used.")
    detail = models.JSONField(default=dict)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        indexes = [
            models.Index(fields=["team_id", "-at"], name="audit_by_team"),
            models.Index(fields=["organisation_id", "-at"], name="audit_by_organisation"),
            models.Index(fields=["actor_id", "-at"], name="audit_by_actor"),
            models.Index(fields=["target_id", "-at"], name="audit_by_target"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_name}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the event; refuse to change it later."""
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnly

    @property
    def detail_text(self) -> str:
        """The detail in one line, for reading."""
        return "; ".join(f"{name}: {_in_words(value)}" for name, value in self.detail.items())


def _in_words(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
