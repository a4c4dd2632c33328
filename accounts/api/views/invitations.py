"""Invitations into the organisations that the user who asks rules."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.account_serializers import InvitationSerializer, NewInvitationSerializer
from accounts.api.base import Conflict, choose_organisation, require_in_organisation, signed_in
from accounts.api.problems import MailUnavailable
from accounts.mail import queueing as mailing
from accounts.models import Invitation, OrganisationMembership, Team, User
from accounts.permissions import OrganisationAction
from accounts.services import invitations
from accounts.services import organisations as services
from accounts.sign_in.throttling import MAILING

OWNER = OrganisationMembership.Role.OWNER


class Invitations(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[Invitation],
):
    """Those that nobody has taken up yet."""

    queryset = Invitation.objects.none()
    serializer_class = InvitationSerializer
    lookup_value_converter = "uuid"  # what is no UUID is no path: 404
    search_fields = ("email",)
    ordering_fields = ("email", "created_at", "expires_at")

    def get_queryset(self) -> QuerySet[Invitation]:
        """Return the open invitations, those whose time is over included: they can be sent again."""
        open_ones = Invitation.objects.visible_to(self.request.user).filter(accepted_at=None)
        return open_ones.select_related("organisation", "team", "invited_by")

    def get_throttles(self) -> list[Any]:
        """Count what sends mail."""
        return [throttle() for throttle in MAILING] if self.action in ("create", "send") else []

    @extend_schema(request=NewInvitationSerializer, responses={201: InvitationSerializer})
    def create(self, request: Request) -> Response:
        """Invite somebody: a mail with a link goes to the address. A second time replaces the first."""
        serializer = NewInvitationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        invitation = _invite(signed_in(request), serializer.validated_data)
        return Response(self.get_serializer(invitation).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={202: InvitationSerializer})
    @action(detail=True, methods=["post"])
    def send(self, request: Request, **_kwargs: Any) -> Response:
        """Send the mail once more, with a new link; the earlier one is over."""
        invitation = self.get_object()
        _require_for(signed_in(request), invitation)
        try:
            invitations.send_again(invitation=invitation, sender=signed_in(request))
        except mailing.MailUnavailable:
            raise MailUnavailable from None
        return Response(self.get_serializer(invitation).data, status=status.HTTP_202_ACCEPTED)

    def perform_destroy(self, instance: Invitation) -> None:
        """Take the invitation back; its link is over."""
        _require_for(signed_in(self.request), instance)
        invitations.revoke(invitation=instance, revoker=signed_in(self.request))


def _invite(user: User, wanted: dict[str, Any]) -> Invitation:
    team = _team(user, wanted.get("team_id"))
    organisation_id = wanted.get("organisation_id") or (team.organisation_id if team else None)
    organisation = choose_organisation(user, organisation_id)
    needed = OrganisationAction.OWN if wanted["role"] == OWNER else OrganisationAction.MEMBERS
    require_in_organisation(user, needed, organisation)
    try:
        return invitations.invite(
            organisation=organisation,
            email=wanted["email"],
            role=wanted["role"],
            invited_by=user,
            team=team,
            team_role=wanted["team_role"],
        )
    except invitations.ElsewhereTeam:
        raise _no_team() from None
    except services.AlreadyMember:
        raise Conflict("This user is already a member.", "already_member") from None
    except mailing.MailUnavailable:
        raise MailUnavailable from None


def _team(user: User, team_id: UUID | None) -> Team | None:
    if team_id is None:
        return None
    team = Team.objects.visible_to(user).filter(pk=team_id).first()
    if team is None:
        raise _no_team()
    return team


def _no_team() -> ValidationError:
    return ValidationError({"teamId": ["The organisation has no such team."]}, "does_not_exist")


def _require_for(user: User, invitation: Invitation) -> None:
    """Raise PermissionDenied where the invitation is for more than the user may give."""
    needed = OrganisationAction.OWN if invitation.role == OWNER else OrganisationAction.MEMBERS
    require_in_organisation(user, needed, invitation.organisation)
