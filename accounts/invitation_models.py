"""The table of invitations into an organisation (and one of its teams), each for one e-mail address."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.service_models import ServiceModel

if TYPE_CHECKING:
    from accounts.models import AnyUser

LIFETIME = timedelta(days=7)


def expiry() -> datetime:
    """Return until when an invitation that is sent now can be accepted."""
    return timezone.now() + LIFETIME


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Queries that start from a user."""

    def visible_to(self, user: AnyUser) -> Self:
        """Return the invitations into the organisations whose members the user may change."""
        from accounts.permissions import OrganisationAction, organisations_where  # noqa: PLC0415 - models come first

        return self.filter(organisation__in=organisations_where(user, OrganisationAction.MEMBERS))

    def pending(self) -> Self:
        """Return those that can still be accepted."""
        return self.filter(accepted_at=None, expires_at__gt=timezone.now())


class Invitation(ServiceModel):
    """An open place in an organisation; the link in the mail, which is signed and not kept here, takes it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.CASCADE, related_name="invitations"
    )
    role = models.CharField(max_length=10, help_text="In the organisation.")
    team = models.ForeignKey("accounts.Team", on_delete=models.CASCADE, null=True, related_name="invitations")
    team_role = models.CharField(max_length=10, blank=True)
    email = models.EmailField()
    invited_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
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
