"""What a user sees of organisations, teams and people, with their own role in each."""

from __future__ import annotations

from django.db.models import Case, CharField, OuterRef, QuerySet, Subquery, Value, When

from accounts.models import Organisation, OrganisationMembership, Team, TeamMembership, User
from accounts.permissions import Role
from accounts.roles import RULING


def organisations_of(user: User) -> QuerySet[Organisation]:
    """Return the user's organisations, each with the user's `role`."""
    return Organisation.objects.visible_to(user).annotate(role=_organisation_role(user, "pk"))


def teams_of(user: User) -> QuerySet[Team]:
    """Return the teams that the user sees, each with the user's `role` (as `permissions.role_in` says it)."""
    own = TeamMembership.objects.filter(user=user, team=OuterRef("pk")).values("role")[:1]
    return (
        Team.objects.visible_to(user)
        .select_related("organisation")
        .annotate(organisation_role=_organisation_role(user, "organisation_id"))
        .annotate(
            role=Case(
                When(organisation_role__in=RULING, then=Value(str(Role.ADMIN))),
                default=Subquery(own),
                output_field=CharField(),
            )
        )
    )


def _organisation_role(user: User, organisation: str) -> Subquery:
    memberships = OrganisationMembership.objects.filter(user=user, organisation=OuterRef(organisation))
    return Subquery(memberships.values("role")[:1])
