"""Who belongs to an organisation or a team; in URLs a member is named by the user's id."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import BaseSerializer

from accounts.api.base import Conflict, require, require_in_organisation, signed_in
from accounts.api.serializers import (
    NewOrganisationMemberSerializer,
    NewTeamMemberSerializer,
    OrganisationMemberSerializer,
    TeamMemberSerializer,
)
from accounts.models import Organisation, OrganisationMembership, Team, TeamMembership, User
from accounts.permissions import Action, action_for
from accounts.services import organisations as services
from accounts.services import people

STRANGER = (
    "You cannot see a user with this id or address. "
    "To add people from outside, invite them to the organisation: POST invitations."
)
SEARCHED = ("user__email", "user__name")


class OrganisationMembers(generics.ListCreateAPIView[OrganisationMembership]):
    """The members of an organisation; owners and admins add people whom they see already, and invite all others."""

    queryset = OrganisationMembership.objects.none()
    serializer_class = OrganisationMemberSerializer
    search_fields = SEARCHED
    ordering_fields = ("role",)

    def organisation(self) -> Organisation:
        """Return the organisation of the URL."""
        return get_object_or_404(Organisation.objects.visible_to(self.request.user), pk=self.kwargs["pk"])

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        """Return the serializer: only a new member names a user."""
        creates = self.request is not None and self.request.method == "POST"
        return NewOrganisationMemberSerializer if creates else OrganisationMemberSerializer

    def get_queryset(self) -> QuerySet[OrganisationMembership]:
        """Return its members."""
        seen = people.seen_by(signed_in(self.request))
        members = self.organisation().memberships.filter(user__in=seen.values("pk"))
        return members.select_related("user").order_by("user__email")

    def perform_create(self, serializer: BaseSerializer[OrganisationMembership]) -> None:
        """Add a member; only owners make owners."""
        organisation, role = self.organisation(), serializer.validated_data["role"]
        adder = signed_in(self.request)
        _require_for(adder, organisation, role)
        user = _named(serializer, adder)
        try:
            serializer.instance = services.add_to_organisation(
                organisation=organisation, user=user, role=role, consented=adder.is_superuser
            )
        except services.AlreadyMember:
            raise _already_member() from None


class OrganisationMember(generics.RetrieveUpdateDestroyAPIView[OrganisationMembership]):
    """One member of an organisation; members may remove themselves."""

    queryset = OrganisationMembership.objects.none()
    serializer_class = OrganisationMemberSerializer
    lookup_field = "user_id"

    def get_queryset(self) -> QuerySet[OrganisationMembership]:
        """Return the members of the organisation of the URL, none for an outsider."""
        visible = Organisation.objects.visible_to(self.request.user).filter(pk=self.kwargs["pk"])
        members = OrganisationMembership.objects.filter(
            organisation__in=visible.values("pk"),
            user__in=people.seen_by(signed_in(self.request)).values("pk"),
        )
        return members.select_related("user", "organisation")

    def perform_update(self, serializer: BaseSerializer[OrganisationMembership]) -> None:
        """Change the role; only owners make and unmake owners."""
        member = self.get_object()
        role = serializer.validated_data.get("role", member.role)
        _require_for(signed_in(self.request), member.organisation, role, member.role)
        try:
            services.change_organisation_role(member=member, role=role)
        except services.LastOwner:
            raise _last_owner() from None
        serializer.instance = member

    def perform_destroy(self, instance: OrganisationMembership) -> None:
        """Remove the member from the organisation and its teams."""
        if instance.user_id != signed_in(self.request).pk:
            _require_for(signed_in(self.request), instance.organisation, instance.role)
        try:
            services.remove_from_organisation(member=instance)
        except services.LastOwner:
            raise _last_owner() from None


class TeamMembers(generics.ListCreateAPIView[TeamMembership]):
    """The members of a team; its admins add members of the organisation."""

    queryset = TeamMembership.objects.none()
    serializer_class = TeamMemberSerializer
    search_fields = SEARCHED
    ordering_fields = ("role",)

    def team(self) -> Team:
        """Return the team of the URL."""
        return get_object_or_404(Team.objects.visible_to(self.request.user), pk=self.kwargs["pk"])

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        """Return the serializer: only a new member names a user."""
        creates = self.request is not None and self.request.method == "POST"
        return NewTeamMemberSerializer if creates else TeamMemberSerializer

    def get_queryset(self) -> QuerySet[TeamMembership]:
        """Return its members."""
        return self.team().memberships.select_related("user").order_by("user__email")

    def perform_create(self, serializer: BaseSerializer[TeamMembership]) -> None:
        """Add a member of the organisation to the team."""
        team, role = self.team(), serializer.validated_data["role"]
        require(self.request.user, Action.MEMBERS, team)
        user = _named(serializer, signed_in(self.request))
        try:
            serializer.instance = services.add_to_team(team=team, user=user, role=role)
        except services.NotInOrganisation:
            raise _unknown(serializer) from None  # and no word on whether they have an account
        except services.AlreadyMember:
            raise _already_member() from None


class TeamMember(generics.RetrieveUpdateDestroyAPIView[TeamMembership]):
    """One member of a team; members may remove themselves."""

    queryset = TeamMembership.objects.none()
    serializer_class = TeamMemberSerializer
    lookup_field = "user_id"

    def get_queryset(self) -> QuerySet[TeamMembership]:
        """Return the members of the team of the URL, none for an outsider."""
        visible = Team.objects.visible_to(self.request.user).filter(pk=self.kwargs["pk"])
        return TeamMembership.objects.filter(team__in=visible.values("pk")).select_related("user", "team")

    def perform_update(self, serializer: BaseSerializer[TeamMembership]) -> None:
        """Change the role."""
        member = self.get_object()
        require(self.request.user, Action.MEMBERS, member.team)
        services.change_team_role(member=member, role=serializer.validated_data.get("role", member.role))
        serializer.instance = member

    def perform_destroy(self, instance: TeamMembership) -> None:
        """Remove the member from the team."""
        if instance.user_id != signed_in(self.request).pk:
            require(self.request.user, Action.MEMBERS, instance.team)
        services.remove_from_team(member=instance)


def _require_for(user: User, organisation: Organisation, *roles: str) -> None:
    """Raise PermissionDenied unless the user may give and take these roles."""
    require_in_organisation(user, action_for(*roles), organisation)


def _named(serializer: BaseSerializer[Any], adder: User) -> User:
    """Return the active user that the body names, of those whom the adder sees; raises ValidationError at its place."""
    data = serializer.validated_data
    wanted = {"pk": data["user_id"]} if "user_id" in data else {"email": data["user"]["email"].lower()}
    user = people.to_add(adder=adder, **wanted)
    if user is None:
        raise _unknown(serializer)
    return user


def _unknown(serializer: BaseSerializer[Any]) -> ValidationError:
    place = "userId" if "user_id" in serializer.validated_data else "email"
    return ValidationError({place: [STRANGER]}, "does_not_exist")


def _already_member() -> Conflict:
    return Conflict("This user is already a member.", "already_member")


def _last_owner() -> Conflict:
    return Conflict("An organisation needs at least one owner.", "last_owner")
