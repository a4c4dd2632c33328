"""Everybody who asks: people by bearer token and by session, API tokens, and logins that are over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

from django.db import transaction
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import ApiToken, Team, User
from accounts.services import tokens
from accounts.sign_in import sessions
from tests.matrix.ranks import Rank
from tests.matrix.world import Things, make_things, make_user

STRANGER = (Rank.USER, Rank.USER)


@dataclass(frozen=True)
class Actor:
    """A client; `ranks` are those in the team and in the organisation of each tenant that it belongs to."""

    name: str
    user: User | None = None
    authorization: str = ""
    ranks: dict[str, tuple[Rank, Rank]] = field(default_factory=dict)
    scopes: frozenset[str] | None = None  # of an API token
    alive: bool = True  # whether the login holds
    installation: bool = False

    def rank(self, tenant: str, *, in_team: bool) -> Rank:
        """Return the rank in the tenant's team, or in its organisation."""
        return self.ranks.get(tenant, STRANGER)[0 if in_team else 1]

    def is_stranger(self, tenant: str) -> bool:
        """Return whether nothing at all of the tenant is for it."""
        return tenant not in self.ranks


@dataclass(frozen=True)
class World:
    """Two tenants, and who asks."""

    tenants: dict[str, Things]
    actors: dict[str, Actor]
    stray: User  # has an account and belongs nowhere

    def seen_by(self, actor: Actor) -> dict[str, Things]:
        """Return the tenants to ask the actor about: both for the owner of each, who may most; else the first."""
        both = actor.user in (self.tenants["acme"].owner, self.tenants["globex"].owner)
        return self.tenants if both else {"acme": self.tenants["acme"]}


PEOPLE = {
    "viewer": (Rank.VIEWER, Rank.VIEWER),
    "editor": (Rank.EDITOR, Rank.VIEWER),
    "team_admin": (Rank.TEAM_ADMIN, Rank.VIEWER),
    "org_admin": (Rank.TEAM_ADMIN, Rank.ORG_ADMIN),
    "owner": (Rank.TEAM_ADMIN, Rank.OWNER),
    "colleague": (Rank.USER, Rank.VIEWER),
}
#: The names of all actors, for parametrized tests: the world itself needs the database.
ACTORS = (
    *PEOPLE,
    *("anonymous", "outsider", "foreign_owner", "installation"),
    *("expired_jwt", "expired_token", "switched_off"),
    *("read_token", "run_token", "write_token", "bound_token"),
)
#: Pages take sessions alone; to the others they say what they say to anonymous visitors.
VISITORS = tuple(name for name in ACTORS if "token" not in name and name != "expired_jwt")


def make_world() -> World:
    """Make both tenants and all actors. Acme is the tenant of PEOPLE; Globex that of the foreign owner."""
    acme, globex = make_things("acme"), make_things("globex")
    stray = make_user("stray@nowhere.example")
    actors = [*_people(acme), *_others(acme, globex, stray), *_tokens(acme)]
    return World({"acme": acme, "globex": globex}, {each.name: each for each in actors}, stray)


def _people(acme: Things) -> list[Actor]:
    return [
        Actor(name, getattr(acme, name), _bearer(getattr(acme, name)), {"acme": ranks})
        for name, ranks in PEOPLE.items()
    ]


def _others(acme: Things, globex: Things, stray: User) -> list[Actor]:
    root = make_user("root@nowhere.example", is_staff=True, is_superuser=True)
    late = AccessToken(sessions.access_token(user=acme.owner))  # type: ignore[arg-type]  # an encoded token
    late.set_exp(lifetime=-timedelta(minutes=1))
    # Made before the account was switched off, without a word to sessions and tokens: the worst case.
    off = make_user(f"off@{acme.mark}.example")
    acme.organisation.memberships.create(user=off, role="OWNER")
    bearer = _bearer(off)
    return [
        Actor("anonymous", alive=False),
        Actor("outsider", stray, _bearer(stray)),
        Actor("foreign_owner", globex.owner, _bearer(globex.owner), {"globex": PEOPLE["owner"]}),
        Actor("installation", root, _bearer(root), installation=True),
        Actor("expired_jwt", None, f"Bearer {late}", alive=False),
        Actor("switched_off", off, bearer, alive=False),
    ]


def _tokens(acme: Things) -> list[Actor]:
    """Return tokens of the owner: one whose time is over, one a scope, and one that is bound to the other team."""
    every = list(ApiToken.Scope.values)
    late = _token(acme.owner, "late", every)
    ApiToken.objects.filter(name="late").update(expires_at=timezone.now() - timedelta(minutes=1))
    bound = _token(acme.owner, "bound", every, acme.other_team)
    return [
        Actor("expired_token", None, late, alive=False),
        *(
            Actor(
                f"{scope.lower()}_token",
                None,
                _token(acme.owner, scope, [scope]),
                {"acme": PEOPLE["owner"]},
                frozenset({scope}),
            )
            for scope in every
        ),
        Actor("bound_token", None, bound, {"acme": PEOPLE["colleague"]}, frozenset(every)),
    ]


def _bearer(user: User) -> str:
    return f"Bearer {sessions.access_token(user=user)}"


def _token(user: User, name: str, scopes: list[str], team: Team | None = None) -> str:
    expires_at = timezone.now() + timedelta(days=1)
    _, secret = tokens.create_token(user=user, name=name, scopes=scopes, expires_at=expires_at, team=team)
    return f"Token {secret}"


def switch_off(world: World) -> None:
    """Disable the account whose login was made before."""
    user = world.actors["switched_off"].user
    assert user is not None
    User.objects.filter(pk=user.pk).update(is_active=False)


class Asker:
    """Sends an actor's requests, each of which leaves everything as it was."""

    def __init__(self, actor: Actor, *, by_session: bool, checks_csrf: bool = False) -> None:
        headers = {"authorization": actor.authorization} if actor.authorization and not by_session else {}
        self.client = Client(raise_request_exception=False, headers=headers, enforce_csrf_checks=checks_csrf)
        if by_session and actor.user:
            self.client.force_login(actor.user)

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Return the response; what it changed is rolled back, and the session is what it was."""
        cookies = SimpleCookie(self.client.cookies)
        with transaction.atomic():
            response = self.client.generic(method, path, **options)
            transaction.set_rollback(True)
        self.client.cookies = cookies
        return response
