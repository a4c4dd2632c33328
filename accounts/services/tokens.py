"""Create, find and revoke API tokens.

A token is `ats_` and 256 random bits, so its SHA-256 is as good as a slow hash: nobody can guess it. It is shown
once. A new password deletes all tokens of the user (`User.save`), and so does disabling the user.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.audit.log import record
from accounts.backends import awaits_confirmation
from accounts.models import ApiToken, Team, User
from accounts.transactions import Overtaken, held, held_whole, keep, retried

PREFIX = "ats_"
HINT_LENGTH = len(PREFIX) + 4
LONGEST_LIFE = timedelta(days=366)
USUAL_LIFE = timedelta(days=90)
MOST_TOKENS = 50  # of one user
#: A busy token would otherwise write its row with every request.
USE_NOTED_EVERY = timedelta(minutes=1)


class TokenInvalid(Exception):
    """The token does not exist, or its user may not sign in any more."""


class TokenExpired(TokenInvalid):
    """The token's time is over."""


class TooManyTokens(Exception):
    """The user has MOST_TOKENS already."""


@retried
def create_token(
    *, user: User, name: str, scopes: Collection[str], expires_at: datetime, team: Team | None = None
) -> tuple[ApiToken, str]:
    """Create a token, and return it with its secret, which nobody can read again; raises TooManyTokens.

    With a `team` it works only for that team. A new password deletes all tokens, including one that is created at the
    same moment: then this raises Overtaken.
    """
    keep(team)
    owner = held(user)  # or two requests at once would pass the limit
    if (owner.password, owner.session_epoch) != (user.password, user.session_epoch):
        raise Overtaken("Meanwhile your password was changed, or you were signed out everywhere.")
    if ApiToken.objects.filter(user=user).count() >= MOST_TOKENS:
        raise TooManyTokens
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        team=team,
        name=name,
        scopes=[scope for scope in ApiToken.Scope.values if scope in scopes],
        digest=_digest(secret),
        hint=secret[:HINT_LENGTH],
        expires_at=expires_at,
    )
    record(actor=user, action="token.create", team=team, target=token, detail={"scopes": token.scopes})
    return token, secret


@retried
def rename_token(*, token: ApiToken, name: str) -> None:
    """Give the token another name."""
    held(token)
    record(actor=None, action="token.rename", team=token.team, target=token, detail={"to": name})
    token.name = name
    token.save(update_fields=["name"])


@retried
def revoke_token(*, token: ApiToken) -> None:
    """End the token at once."""
    token = held_whole(token)
    record(actor=None, action="token.revoke", team=token.team, target=token, detail={"of": token.user.email})
    token.delete()


def find_token(secret: str) -> ApiToken:
    """Return the valid token with its `user`, bound to its team, and record its use; raises TokenInvalid."""
    found = ApiToken.objects.select_related("user", "team").filter(digest=_digest(secret)).first()
    if found is None or not found.user.is_active or awaits_confirmation(found.user):
        raise TokenInvalid
    if found.expired:
        raise TokenExpired
    found.user.bound_team_id = found.team_id
    _note_use(found)
    return found


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
