"""Forgotten, new and changed passwords."""

from __future__ import annotations

from django.core.exceptions import ValidationError as WeakPassword
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.account_serializers import AddressSerializer, PasswordChangeSerializer, ResetSerializer
from accounts.api.base import signed_in
from accounts.api.problems import MailUnavailable, link_over, weak_password
from accounts.api.views.sessions import OpenView
from accounts.mail import links
from accounts.mail import queueing as mailing
from accounts.sign_in import passwords, sessions
from accounts.sign_in.throttling import MAILING, AuthThrottle


class ForgotPassword(OpenView):
    """Sends a link to set a password."""

    request_serializer = AddressSerializer
    throttle_classes = MAILING

    @extend_schema(request=AddressSerializer, responses={202: None})
    def post(self, request: Request) -> Response:
        """Send the link, where the address has an account; the answer does not say whether."""
        try:
            passwords.forgot(**self.read(request))
        except mailing.MailUnavailable:
            raise MailUnavailable from None
        return Response(status=status.HTTP_202_ACCEPTED)


class ResetPassword(OpenView):
    """Sets a forgotten password."""

    request_serializer = ResetSerializer

    @extend_schema(request=ResetSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Set a new password by the token of the mail, once; every session and token of the user ends."""
        try:
            passwords.reset(**self.read(request))
        except links.LinkOver:
            raise link_over() from None
        except WeakPassword as problem:
            raise weak_password("password", problem) from None
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChangePassword(APIView):
    """The password of the user who asks."""

    throttle_classes = (AuthThrottle,)

    @extend_schema(request=PasswordChangeSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Change the password; every session and token of the user ends, this one too."""
        serializer = PasswordChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        try:
            passwords.change(
                request=request._request,
                user=signed_in(request),
                current=wanted["current_password"],
                new=wanted["new_password"],
            )
        except passwords.WrongPassword:
            raise ValidationError(
                {"currentPassword": ["This is not your password."]}, "wrong_password"
            ) from None
        except WeakPassword as problem:
            raise weak_password("newPassword", problem) from None
        return Response(status=status.HTTP_204_NO_CONTENT)


class SignOutEverywhere(APIView):
    """All sessions of the user who asks."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """End every session and token of the user, this one too; API tokens stay."""
        sessions.end_all(user=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
