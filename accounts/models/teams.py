"""Teams, which own everything that is tested and run, and who belongs to them."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.validators import MaxValueValidator
from django.db import models

from accounts.models.base import ServiceModel, new_id
from accounts.models.organisations import Organisation
from accounts.models.users import AnyUser, User
from accounts.roles import ALLOWED, RULING, Action, TeamRole

#: A hundred years; more days would lead out of the calendar.
LONGEST_RETENTION_DAYS = 36_500


class TeamQuerySet(models.QuerySet["Team"]):
    """Queries that start from a user."""

    def visible_to(self, user: AnyUser) -> TeamQuerySet:
        """Return the teams the user belongs to, and all teams of organisations they own or administer."""
        if user.is_anonymous:
            return self.none()
        ruled = models.Q(
            organisation__memberships__user=user,
            organisation__memberships__role__in=RULING,
        )
        own = self.filter(models.Q(memberships__user=user) | ruled).distinct()
        return own.filter(pk=user.bound_team_id) if user.bound_team_id else own

    def ids_permitting(self, user: AnyUser, action: Action) -> set[uuid.UUID]:
        """Return the ids of the teams in which the user may do `action`, in two queries."""
        if user.is_anonymous:
            return set()
        teams = self.order_by()
        member = teams.filter(memberships__user=user, memberships__role__in=ALLOWED[action])
        ruled = teams.filter(organisation__memberships__user=user, organisation__memberships__role__in=RULING)
        found = {*member.values_list("pk", flat=True), *ruled.values_list("pk", flat=True)}
        return found & {user.bound_team_id} if user.bound_team_id else found


def _days(text: str) -> Any:
    """Return a column of days: empty means what the installation says, 0 means for ever."""
    return models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(LONGEST_RETENTION_DAYS)],
        help_text=f"{text} Empty: as the installation says; 0: for ever.",
    )


class Team(ServiceModel):
    """The owner of resources, environments, flows and executions."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=150)
    keep_results_days = _days("Days that results of steps are kept.")
    keep_executions_days = _days("Days that executions are kept.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="team_name_once")]

    def __str__(self) -> str:
        return f"{self.organisation} / {self.name}"


class TeamMembership(ServiceModel):
    """A user's place in a team."""

    Role = TeamRole

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="team_memberships")
    role = models.CharField(max_length=10, choices=TeamRole, default=TeamRole.EDITOR)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_membership_a_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team} ({self.role})"
