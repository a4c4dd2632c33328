"""JWTs in `Authorization: Bearer`, for REST and WebSockets."""

from __future__ import annotations

from typing import Any

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import Token

from accounts.backends import awaits_confirmation
from accounts.sign_in.sessions import EPOCH_CLAIM


class BearerAuthentication(JWTAuthentication):
    """A token of a user who may sign in, has not changed the password and has not signed out everywhere."""

    def get_user(self, validated_token: Token) -> Any:
        """Return the user; raises AuthenticationFailed."""
        user: Any = super().get_user(validated_token)
        if validated_token.get(EPOCH_CLAIM, 0) != user.session_epoch or awaits_confirmation(user):
            raise AuthenticationFailed("The token is no longer valid. Sign in again.", "token_not_valid")
        return user


class BearerScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]  # its metaclass registers it
    """How the OpenAPI document describes it: as it does any JWT."""

    target_class = "accounts.api.bearer.BearerAuthentication"
