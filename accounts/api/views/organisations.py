"""Organisations and teams."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import generics, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import BaseSerializer

from accounts.api.base import Conflict, choose_organisation, require, require_in_organisation, signed_in
from accounts.api.serializers import NewTeamSerializer, OrganisationSerializer, TeamSerializer
from accounts.models import Organisation, Team, User
from accounts.permissions import Action, OrganisationAction
from accounts.selectors import organisations_of, teams_of
from accounts.services import organisations as services
from accounts.services.retention import SAME, change_retention


class Organisations(viewsets.ModelViewSet[Organisation]):
    """The organisations of the user who asks; whoever creates one owns it."""

    queryset = Organisation.objects.none()
    serializer_class = OrganisationSerializer
    lookup_value_converter = "uuid"  # what is no UUID is no path: 404
    search_fields = ("name",)
    ordering_fields = ("name", "created_at")

    def get_queryset(self) -> QuerySet[Organisation]:
        """Return the user's organisations."""
        return organisations_of(signed_in(self.request))

    def perform_create(self, serializer: BaseSerializer[Organisation]) -> None:
        """Create the organisation, owned by the user."""
        user = signed_in(self.request)
        try:
            created = services.create_organisation(owner=user, **serializer.validated_data)
        except services.NameTaken:
            raise _taken("an organisation") from None
        serializer.instance = organisations_of(user).get(pk=created.pk)

    def perform_update(self, serializer: BaseSerializer[Organisation]) -> None:
        """Rename the organisation."""
        organisation = self.get_object()
        require_in_organisation(self.request.user, OrganisationAction.ADMINISTER, organisation)
        _rename(serializer, organisation, "an organisation")

    def perform_destroy(self, instance: Organisation) -> None:
        """Delete the organisation, which must have no teams any more."""
        require_in_organisation(self.request.user, OrganisationAction.OWN, instance)
        try:
            services.delete_organisation(organisation=instance)
        except services.HasTeams:
            raise Conflict("Delete its teams first.", "has_teams") from None


class Teams(viewsets.ModelViewSet[Team]):
    """The teams that the user who asks belongs to, and those of the organisations they own or administer."""

    queryset = Team.objects.none()
    lookup_value_converter = "uuid"
    serializer_class = TeamSerializer
    search_fields = ("name", "organisation__name")
    ordering_fields = ("name", "created_at")

    def get_queryset(self) -> QuerySet[Team]:
        """Return the teams that the user sees."""
        return teams_of(signed_in(self.request))

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        """Return the serializer: only a new team names its organisation."""
        return NewTeamSerializer if self.action == "create" else TeamSerializer

    def perform_create(self, serializer: BaseSerializer[Team]) -> None:
        """Create the team in the organisation that the body names."""
        user = signed_in(self.request)
        organisation = choose_organisation(user, serializer.validated_data.get("organisation_id"))
        _create_team(serializer, organisation, user)

    def perform_update(self, serializer: BaseSerializer[Team]) -> None:
        """Change the team's name, and how long it keeps what it has run."""
        team = self.get_object()
        require(self.request.user, Action.ADMINISTER, team)
        _rename(serializer, team, "a team of the organisation")
        _keep(serializer, team)

    def perform_destroy(self, instance: Team) -> None:
        """Delete the team and everything that it owns."""
        require(self.request.user, Action.ADMINISTER, instance)
        services.delete_team(team=instance)


class OrganisationTeams(generics.ListCreateAPIView[Team]):
    """The teams of one organisation that the user who asks sees."""

    queryset = Team.objects.none()
    serializer_class = TeamSerializer
    search_fields = ("name",)
    ordering_fields = ("name", "created_at")

    def organisation(self) -> Organisation:
        """Return the organisation of the URL."""
        return get_object_or_404(Organisation.objects.visible_to(self.request.user), pk=self.kwargs["pk"])

    def get_queryset(self) -> QuerySet[Team]:
        """Return its teams that the user sees."""
        return teams_of(signed_in(self.request)).filter(organisation=self.organisation())

    def perform_create(self, serializer: BaseSerializer[Team]) -> None:
        """Create a team in the organisation."""
        _create_team(serializer, self.organisation(), signed_in(self.request))


def _create_team(serializer: BaseSerializer[Team], organisation: Organisation, user: User) -> None:
    require_in_organisation(user, OrganisationAction.ADMINISTER, organisation)
    name = serializer.validated_data["name"]
    try:
        created = services.create_team(organisation=organisation, name=name, creator=user)
    except services.NameTaken:
        raise _taken("a team of the organisation") from None
    _keep(serializer, created)
    serializer.instance = teams_of(user).get(pk=created.pk)


def _rename(serializer: BaseSerializer[Any], tenant: Organisation | Team, what: str) -> None:
    """Rename the tenant, where the body has a name: what another request gives it meanwhile stays."""
    serializer.instance = tenant
    if "name" not in serializer.validated_data:
        return
    try:
        services.rename(tenant=tenant, name=serializer.validated_data["name"])
    except services.NameTaken:
        raise _taken(what) from None


def _keep(serializer: BaseSerializer[Any], team: Team) -> None:
    """Change how long the team keeps what it has run, as far as the body says."""
    given = serializer.validated_data
    change_retention(
        team=team,
        results=given.get("keep_results_days", SAME),
        executions=given.get("keep_executions_days", SAME),
    )


def _taken(what: str) -> ValidationError:
    return ValidationError({"name": [f"There is already {what} with this name."]}, "unique")
