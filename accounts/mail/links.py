"""The links in mails: signed, expiring, and valid for one use.

A link about a user carries a fingerprint of what it is about to change (password, last sign-in, confirmation), so it
becomes invalid with its first use, with a newer registration and with any change of password. Nothing is stored.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import Invitation, User

CONFIRMATION_LIFETIME = timedelta(days=3)
LONGEST_TOKEN = 1_000


class Purpose(StrEnum):
    """What a link is for; a token for one purpose is invalid for another. The value is the name of its page."""

    CONFIRM = "confirm-address"
    RESET = "reset-password"
    INVITE = "invitation"


class LinkOver(Exception):
    """The link is incomplete, has expired, or was already used."""


def lifetime(purpose: Purpose) -> timedelta:
    """Return how long a link about a user works."""
    if purpose is Purpose.RESET:
        return timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    return CONFIRMATION_LIFETIME


def url(purpose: Purpose, token: str) -> str:
    """Return the whole address of the page, below PUBLIC_URL."""
    return f"{settings.PUBLIC_URL}{reverse(str(purpose), args=[token])}"


def is_whole(purpose: Purpose, token: str) -> bool:
    """Return whether this service made the token for this purpose; it may have expired."""
    try:
        _load(purpose, token, None)
    except LinkOver:
        return False
    return True


def token_for(purpose: Purpose, user: User) -> str:
    """Return a token that confirms the user's address or lets them set a password."""
    return signing.dumps([str(user.pk), _fingerprint(purpose, user)], salt=_salt(purpose))


def user_of(purpose: Purpose, token: str) -> User:
    """Return the active user whose token it is; raises LinkOver."""
    payload = _load(purpose, token, lifetime(purpose))
    user = User.objects.filter(pk=payload[0], is_active=True).first()
    if user is None or not constant_time_compare(payload[1], _fingerprint(purpose, user)):
        raise LinkOver
    return user


def held_user_of(purpose: Purpose, token: str) -> User:
    """Return the user of a link, locked, so that a link works only once; raises LinkOver."""
    User.objects.select_for_update().filter(pk=user_of(purpose, token).pk).first()
    return user_of(purpose, token)  # again, as it is now that nobody else can change it


def invitation_token(invitation: Invitation) -> str:
    """Return the token that accepts the invitation; the row says when it expires."""
    return signing.dumps([str(invitation.pk), _sent(invitation)], salt=_salt(Purpose.INVITE))


def invitation_of(token: str) -> Invitation:
    """Return the open invitation whose token it is; raises LinkOver."""
    payload = _load(Purpose.INVITE, token, None)
    pending = Invitation.objects.pending().select_related("organisation", "team", "invited_by")
    invitation = pending.filter(pk=payload[0]).first()
    if invitation is None or not constant_time_compare(payload[1], _sent(invitation)):
        raise LinkOver
    return invitation


def _load(purpose: Purpose, token: str, max_age: timedelta | None) -> list[str]:
    if len(token) > LONGEST_TOKEN:
        raise LinkOver
    try:
        payload: Any = signing.loads(token, salt=_salt(purpose), max_age=max_age)
        uuid.UUID(payload[0])
    except (signing.BadSignature, ValueError):
        raise LinkOver from None
    return [str(part) for part in payload]


def _salt(purpose: Purpose) -> str:
    return f"accounts.links.{purpose}"


def _sent(invitation: Invitation) -> str:
    return invitation.expires_at.isoformat()  # sending it again makes the earlier link void


def _fingerprint(purpose: Purpose, user: User) -> str:
    state = [user.password, user.email, user.email_verified, user.session_epoch]
    if purpose is Purpose.RESET:
        state.append(user.last_login)  # who has signed in needs no old link any more
    return salted_hmac(_salt(purpose), repr(state), algorithm="sha256").hexdigest()
