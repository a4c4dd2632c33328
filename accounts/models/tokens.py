"""API tokens: what programs such as CI servers sign in with."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.models.base import ServiceModel
from accounts.models.teams import Team
from accounts.models.users import AnyUser, User


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Queries that start from a user."""

    def visible_to(self, user: AnyUser) -> Self:
        """Return the user's own tokens."""
        return self.none() if user.is_anonymous else self.filter(user=user)


class ApiToken(ServiceModel):
    """A token that stands for its user within `scopes`, and within `team` if it is bound to one.

    Only its hash is stored.
    """

    class Scope(models.TextChoices):
        """What a token may do: read; run what is there (and cancel, check); change things."""

        READ = "READ"
        RUN = "RUN"
        WRITE = "WRITE"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=list)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token, in hex.")
    hint = models.CharField(max_length=12, help_text="How the token begins, to tell it from others.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @property
    def expired(self) -> bool:
        """Whether the token has expired."""
        return self.expires_at <= timezone.now()

    @property
    def api_token_id(self) -> uuid.UUID:
        """The id, by the name under which `accounts.audit.origin` looks for it."""
        return self.pk
