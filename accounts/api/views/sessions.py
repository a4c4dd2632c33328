"""Sign in, renew, sign out; for programs, which send `Authorization: Bearer` afterwards."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.api.serializers import (
    CredentialsSerializer,
    RefreshTokenSerializer,
    SessionSerializer,
    TokensSerializer,
)
from accounts.sign_in import sessions
from accounts.sign_in.throttling import AuthThrottle

NOT_CONFIRMED = "Confirm your e-mail address first. Open the link in the mail that we sent to it."


class OpenView(APIView):
    """A view for whoever is not signed in; it looks at no header or cookie, so it needs no CSRF token."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes: tuple[type[BaseThrottle], ...] = (AuthThrottle,)
    request_serializer: type[serializers.Serializer[Any]]

    def get_authenticate_header(self, _request: Request) -> str:
        """Return the scheme, so that a refusal is a 401."""
        return 'Bearer realm="api"'

    def read(self, request: Request) -> dict[str, Any]:
        """Return the validated body."""
        serializer = self.request_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class Login(OpenView):
    """Signs in."""

    request_serializer = CredentialsSerializer

    @extend_schema(request=CredentialsSerializer, responses=SessionSerializer)
    def post(self, request: Request) -> Response:
        """Give tokens for an e-mail address and a password."""
        credentials = self.read(request)
        try:
            tokens = sessions.sign_in(request=request._request, **credentials)
        except sessions.NotConfirmed:
            raise AuthenticationFailed(NOT_CONFIRMED, "email_not_verified") from None
        except sessions.WrongCredentials:
            raise AuthenticationFailed(
                "The e-mail address or the password is wrong.", "no_active_account"
            ) from None
        return Response(SessionSerializer(tokens).data)


class Refresh(OpenView):
    """Renews tokens."""

    request_serializer = RefreshTokenSerializer

    @extend_schema(request=RefreshTokenSerializer, responses=TokensSerializer)
    def post(self, request: Request) -> Response:
        """Give new tokens for a refresh token, which ends with that."""
        try:
            tokens = sessions.renew(**self.read(request))
        except sessions.InvalidToken:
            raise AuthenticationFailed(
                "The token is no longer valid. Sign in again.", "token_not_valid"
            ) from None
        return Response(TokensSerializer(tokens).data)


class Logout(OpenView):
    """Signs out."""

    request_serializer = RefreshTokenSerializer

    @extend_schema(request=RefreshTokenSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """End a refresh token; ending it twice is fine. Access tokens end by themselves, soon."""
        sessions.end(**self.read(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
