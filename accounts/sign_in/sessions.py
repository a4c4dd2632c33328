"""JWTs of the REST API: issued for a password, renewed once each, ended by sign-out or a new password.

The refresh of simplejwt accepts a token from before a password change, and two renewals of one token at the same
time; `renew` does not. Signing out everywhere raises the user's epoch, which tokens and sessions carry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.db.models import F
from django.http import HttpRequest
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.audit import log as audit
from accounts.backends import awaits_confirmation
from accounts.models import User
from accounts.transactions import retried

EPOCH_CLAIM = "epoch"


class WrongCredentials(Exception):
    """Nobody who may sign in has this address and password."""


class NotConfirmed(Exception):
    """Address and password are right, but nobody has shown yet that the address is theirs."""


class InvalidToken(Exception):
    """The refresh token is forged, expired, used, or from before a password change."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A short-lived access token, the refresh token that renews it, and whose they are."""

    access: str
    refresh: str
    user: User


def sign_in(*, request: HttpRequest, email: str, password: str) -> Tokens:
    """Return tokens for the user with this address and password; raises WrongCredentials, NotConfirmed."""
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        raise NotConfirmed if getattr(request, "awaits_confirmation", False) else WrongCredentials
    return start(request=request, user=user)


def start(*, request: HttpRequest, user: User) -> Tokens:
    """Return tokens for a user who has authenticated."""
    # Whoever listens to sign-ins (last_login, the lockout, the audit log) need not know that there is no session.
    user_logged_in.send(sender=User, request=request, user=user)
    return _issue(user)


def access_token(*, user: User) -> str:
    """Return a short-lived access token for a user who has authenticated in another way."""
    token = AccessToken.for_user(user)
    token[EPOCH_CLAIM] = user.session_epoch
    return str(token)


@retried
def renew(*, refresh: str) -> Tokens:
    """Return new tokens for a refresh token and end that one; raises InvalidToken."""
    token, user = _check(refresh)
    first_use: tuple[Any, bool] = token.blacklist()  # type: ignore[assignment]  # get_or_create's pair
    if not first_use[1]:  # another request renewed it a moment ago
        raise InvalidToken
    return _issue(user)


@retried
def end(*, refresh: str) -> None:
    """End a refresh token; one that is invalid or has ended already is ignored."""
    try:
        token = _parse(refresh)
    except TokenError:
        return
    token.blacklist()
    user = User.objects.filter(pk=token.get(api_settings.USER_ID_CLAIM)).first()
    if user is not None:
        audit.record(actor=user, action="account.sign_out", target=user)


@retried
def end_all(*, user: User) -> None:
    """End every session and token of the user, on every device; the API tokens stay."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    audit.record(actor=user, action="account.sign_out_everywhere", target=user)


def _issue(user: User) -> Tokens:
    refresh = RefreshToken.for_user(user)
    refresh[EPOCH_CLAIM] = user.session_epoch  # its access token takes it over
    return Tokens(access=str(refresh.access_token), refresh=str(refresh), user=user)


def _parse(refresh: str) -> RefreshToken:
    return RefreshToken(refresh)  # type: ignore[arg-type]  # an encoded token, whatever its annotation says


def _check(refresh: str) -> tuple[RefreshToken, User]:
    try:
        token = _parse(refresh)
    except TokenError:
        raise InvalidToken from None
    user = User.objects.filter(pk=token.get(api_settings.USER_ID_CLAIM), is_active=True).first()
    claim = token.get(api_settings.REVOKE_TOKEN_CLAIM)
    if user is None or awaits_confirmation(user):
        raise InvalidToken
    if claim != get_md5_hash_password(user.password) or token.get(EPOCH_CLAIM, 0) != user.session_epoch:
        raise InvalidToken
    return token, user
