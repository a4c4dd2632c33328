"""Making an account, confirming its address, joining by invitation: for whoever is not signed in."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError as WeakPassword
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.account_serializers import (
    AcceptanceSerializer,
    AddressSerializer,
    LinkTokenSerializer,
    RegisteredSerializer,
    RegistrationSerializer,
)
from accounts.api.problems import MailUnavailable, link_over, weak_password
from accounts.api.serializers import SessionSerializer
from accounts.api.views.sessions import OpenView
from accounts.mail import links
from accounts.mail import queueing as mailing
from accounts.services import invitations
from accounts.sign_in import registration, sessions
from accounts.sign_in.throttling import MAILING


def registration_off() -> PermissionDenied:
    """Return the error of an installation that takes no strangers."""
    return PermissionDenied("Registration is off. Ask for an invitation.", "registration_off")


class Register(OpenView):
    """Makes an account."""

    request_serializer = RegistrationSerializer
    throttle_classes = MAILING

    @extend_schema(request=RegistrationSerializer, responses={201: RegisteredSerializer})
    def post(self, request: Request) -> Response:
        """Make an account; its owner confirms the address by the link that is sent there.

        The answer is the same where the address has an account already: the mail says so.
        """
        wanted = self.read(request)
        try:
            registration.register(**wanted)
        except registration.RegistrationOff:
            raise registration_off() from None
        except WeakPassword as problem:
            raise weak_password("password", problem) from None
        except registration.AddressTaken:
            raise ValidationError({"email": ["This address already has an account."]}, "unique") from None
        except mailing.MailUnavailable:
            raise MailUnavailable from None
        answer = {"email": wanted["email"].lower(), "verification_required": settings.EMAIL_VERIFICATION}
        return Response(RegisteredSerializer(answer).data, status=status.HTTP_201_CREATED)


class ConfirmAddress(OpenView):
    """Confirms an address."""

    request_serializer = LinkTokenSerializer

    @extend_schema(request=LinkTokenSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Take the address as confirmed, by the token of the mail; sign in after that."""
        try:
            registration.confirm(**self.read(request))
        except links.LinkOver:
            raise link_over() from None
        return Response(status=status.HTTP_204_NO_CONTENT)


class SendConfirmation(OpenView):
    """Sends the link once more."""

    request_serializer = AddressSerializer
    throttle_classes = MAILING

    @extend_schema(request=AddressSerializer, responses={202: None})
    def post(self, request: Request) -> Response:
        """Send the link once more, where the address waits for it; the answer does not say whether."""
        try:
            registration.send_again(**self.read(request))
        except registration.RegistrationOff:
            raise registration_off() from None
        except mailing.MailUnavailable:
            raise MailUnavailable from None
        return Response(status=status.HTTP_202_ACCEPTED)


class AcceptInvitation(OpenView):
    """Joins an organisation."""

    request_serializer = AcceptanceSerializer

    @extend_schema(request=AcceptanceSerializer, responses=SessionSerializer)
    def post(self, request: Request) -> Response:
        """Join with the account of the invited address, or make it; sign in with that."""
        try:
            user = invitations.accept(request=request._request, **self.read(request))
        except links.LinkOver:
            raise link_over() from None
        except WeakPassword as problem:
            raise weak_password("password", problem) from None
        except invitations.WrongPassword:
            raise AuthenticationFailed(
                "This address already has an account, with another password.", "no_active_account"
            ) from None
        except invitations.SwitchedOff:
            raise PermissionDenied("This account is disabled.", "switched_off") from None
        return Response(SessionSerializer(sessions.start(request=request._request, user=user)).data)
