"""The table of the audit log: one row for each thing that somebody did. Rows are only ever added.

Triggers refuse UPDATE and early DELETE on PostgreSQL, and UPDATE on SQLite; the model refuses both everywhere. Ids have
no foreign keys, and names are kept as they were: the log outlives what it is about.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, NoReturn, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.models.base import ServiceModel
from accounts.models.organisations import Organisation
from accounts.models.teams import Team
from accounts.models.users import AnyUser
from accounts.roles import Action, OrganisationAction

#: Younger events cannot be deleted, whatever the setting says. The triggers in the migration have the same number.
SHORTEST_RETENTION = timedelta(days=30)

LONGEST_NAME = 200
LONGEST_USER_AGENT = 200
#: Actions about an account begin with this: they have no team, and the user of the account may read them.
ACCOUNT = "account."


class AppendOnly(Exception):
    """Somebody tried to change the audit log."""


class AuditQuerySet(models.QuerySet["AuditEvent"]):
    """Queries that start from a user and change nothing."""

    def visible_to(self, user: AnyUser) -> Self:
        """Return the events of the teams and organisations whose log the user may read, and of their own account.

        Teams are those that they administer, organisations those that they own. The account's events are what it did
        and what was tried on it. Administrators of the installation read everything in the admin.
        """
        if user.is_anonymous:
            return self.none()
        administered = Q(team_id__in=Team.objects.ids_permitting(user, Action.AUDIT))
        if user.bound_team_id:
            return self.filter(administered)
        owned = Q(organisation_id__in=Organisation.objects.ids_permitting(user, OrganisationAction.AUDIT))
        own = Q(actor_id=user.pk, team_id=None) | Q(target_id=str(user.pk), action__startswith=ACCOUNT)
        return self.filter(administered | owned | own)

    def update(self, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnly

    def delete(self) -> NoReturn:
        """Refuse: only `audit.log.prune` deletes."""
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
        """Insert the event; refuse to change it later."""
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
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
