"""Organisations, the tenants, and who belongs to them."""

from __future__ import annotations

import uuid

from django.db import models

from accounts.models.base import ServiceModel, new_id
from accounts.models.users import AnyUser, User
from accounts.roles import ALLOWED_IN_ORGANISATION, OrganisationAction, OrganisationRole


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    """Queries that start from a user."""

    def visible_to(self, user: AnyUser) -> OrganisationQuerySet:
        """Return the organisations that the user belongs to."""
        if user.is_anonymous:
            return self.none()
        own = self.filter(memberships__user=user).distinct()
        return own.filter(teams=user.bound_team_id) if user.bound_team_id else own

    def ids_permitting(self, user: AnyUser, action: OrganisationAction) -> set[uuid.UUID]:
        """Return the ids of the organisations to which the user may do `action`; none for a token bound to a team."""
        if user.is_anonymous or user.bound_team_id:
            return set()
        found = self.filter(memberships__user=user, memberships__role__in=ALLOWED_IN_ORGANISATION[action])
        return set(found.order_by().values_list("pk", flat=True))


class Organisation(ServiceModel):
    """A tenant: a company or department."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=150, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class OrganisationMembership(ServiceModel):
    """A user's place in an organisation."""

    Role = OrganisationRole

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="organisation_memberships")
    role = models.CharField(max_length=10, choices=OrganisationRole, default=OrganisationRole.MEMBER)
    consented = models.BooleanField(
        default=True,
        editable=False,
        help_text="They took up an invitation, or an administrator of the installation placed them.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "user"], name="one_membership_an_organisation")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organisation} ({self.role})"
