"""The user who asks, and the people around them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as WeakPassword
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.api.account_serializers import NewPersonSerializer, PersonSerializer
from accounts.api.base import signed_in
from accounts.api.problems import MailUnavailable, weak_password
from accounts.api.serializers import ProfileSerializer
from accounts.mail import queueing as mailing
from accounts.models import User
from accounts.services import people
from accounts.sign_in import passwords
from accounts.sign_in.throttling import MailThrottle

NOT_YOURS = (
    "You do not administer this account. Its organisations do, or an administrator of the installation."
)


class Profile(APIView):
    """The user who asks."""

    @extend_schema(responses=ProfileSerializer)
    def get(self, request: Request) -> Response:
        """Return the user with their organisations and teams."""
        return Response(ProfileSerializer(signed_in(request)).data)

    @extend_schema(request=ProfileSerializer, responses=ProfileSerializer)
    def patch(self, request: Request) -> Response:
        """Change the user's name."""
        user = signed_in(request)
        serializer = ProfileSerializer(user, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        if "name" in serializer.validated_data:
            people.rename(user=user, name=serializer.validated_data["name"])
        return Response(ProfileSerializer(user).data)


class Users(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, viewsets.GenericViewSet[User]
):
    """The user who asks, and everybody who shares an organisation with them.

    Administrators of the installation see everybody. There is no DELETE: what somebody did stays theirs; switch the
    account off.
    """

    queryset = User.objects.none()
    serializer_class = PersonSerializer
    http_method_names = ("get", "post", "patch", "head", "options")
    lookup_value_converter = "uuid"  # what is no UUID is no path: 404
    search_fields = ("email", "name")
    ordering_fields = ("email", "name")

    def get_queryset(self) -> QuerySet[User]:
        """Return those people."""
        return people.people_of(self.request.user)

    def get_throttles(self) -> list[Any]:
        """Count what sends mail."""
        return [MailThrottle()] if self.action == "reset_password" else []

    @extend_schema(request=NewPersonSerializer, responses={201: PersonSerializer})
    def create(self, request: Request) -> Response:
        """Make an account: for administrators of the installation. Everybody else invites (`invitations`)."""
        if not signed_in(request).is_superuser:
            raise PermissionDenied(
                "Only administrators of the installation can create accounts. Invite people instead."
            )
        serializer = NewPersonSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            user = people.create(creator=signed_in(request), **serializer.validated_data)
        except people.AddressTaken:
            raise ValidationError({"email": ["This address already has an account."]}, "unique") from None
        except WeakPassword as problem:
            raise weak_password("password", problem) from None
        return Response(self.get_serializer(self.get_queryset().get(pk=user.pk)).data, status=201)

    def perform_update(self, serializer: BaseSerializer[User]) -> None:
        """Change the name, or switch the account off or on."""
        user = self._administered()
        wanted = serializer.validated_data
        if "name" in wanted:
            people.rename(user=user, name=wanted["name"])
        if "is_active" in wanted:
            people.switch(user=user, active=wanted["is_active"])
        serializer.instance = user

    @extend_schema(request=None, responses={202: None})
    @action(detail=True, methods=["post"], url_path="reset-password")
    def reset_password(self, _request: Request, **_kwargs: Any) -> Response:
        """Send the user a link to set a new password; until it is used the old one works."""
        try:
            passwords.forgot(email=self._administered().email)
        except mailing.MailUnavailable:
            raise MailUnavailable from None
        return Response(status=status.HTTP_202_ACCEPTED)

    def _administered(self) -> User:
        user: Any = self.get_object()  # with what `people_of` adds
        if not user.managed:
            raise PermissionDenied(NOT_YOURS)
        found: User = user
        return found
