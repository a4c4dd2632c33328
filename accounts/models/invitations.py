"""Invitations to an organisation (and to one of its teams), each for one e-mail address."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.models.base import ServiceModel
from accounts.models.organisations import Organisation
from accounts.models.teams import Team
from accounts.models.users import AnyUser, User
from accounts.roles import OrganisationAction

LIFETIME = timedelta(days=7)


def expiry() -> datetime:
    """Return when an invitation that is sent now expires."""
    return timezone.now() + LIFETIME


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Queries that start from a user."""

    def visible_to(self, user: AnyUser) -> Self:
        """Return the invitations to the organisations whose members the user may change."""
        theirs = Organisation.objects.ids_permitting(user, OrganisationAction.MEMBERS)
        return self.filter(organisation__in=theirs)

    def pending(self) -> Self:
        """Return those that can still be accepted."""
        return self.filter(accepted_at=None, expires_at__gt=timezone.now())


class Invitation(ServiceModel):
    """An open place in an organisation. The signed link in the mail, which is not stored, accepts it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, help_text="In the organisation.")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, related_name="invitations")
    team_role = models.CharField(max_length=10, blank=True)
    email = models.EmailField()
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(default=expiry)
    accepted_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "email"],
                condition=models.Q(accepted_at=None),
                name="one_open_invitation_an_address",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} into {self.organisation} ({self.role})"
