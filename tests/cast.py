"""The named cast: Alice owns Acme, Bob and Vera are in her team, Charlie is the outsider (404 everywhere).

| who | organisation | team |
| --- | --- | --- |
| `alice` | OWNER of Acme | ADMIN of Checkout |
| `bob` | MEMBER of Acme | EDITOR of Checkout |
| `vera` | MEMBER of Acme | VIEWER of Checkout |
| `charlie` | OWNER of Globex | ADMIN of Warehouse |

`team` is Checkout, `other_team` is Warehouse; everybody's password is PASSWORD.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Organisation, OrganisationMembership, Team, TeamMembership, User

PASSWORD = "correct horse battery staple"

ApiFor = Callable[[User], APIClient]
PageFor = Callable[[User], Client]


class QuickHasher(PBKDF2PasswordHasher):
    """Django's own algorithm with one iteration: quick, and a server beside the tests can check it."""

    iterations = 1


@pytest.fixture
def quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["tests.cast.QuickHasher"]


@pytest.fixture
def organisation(db: None) -> Organisation:
    """Acme, Alice's organisation."""
    return Organisation.objects.create(name="Acme")


@pytest.fixture
def team(organisation: Organisation) -> Team:
    """Checkout, the team of Alice, Bob and Vera."""
    return Team.objects.create(organisation=organisation, name="Checkout")


@pytest.fixture
def other_organisation(db: None) -> Organisation:
    """Globex, Charlie's organisation."""
    return Organisation.objects.create(name="Globex")


@pytest.fixture
def other_team(other_organisation: Organisation) -> Team:
    """Warehouse, Charlie's team."""
    return Team.objects.create(organisation=other_organisation, name="Warehouse")


@pytest.fixture
def alice(quick_passwords: None, team: Team) -> User:
    return join("alice", team, OrganisationMembership.Role.OWNER, TeamMembership.Role.ADMIN)


@pytest.fixture
def bob(quick_passwords: None, team: Team) -> User:
    return join("bob", team, OrganisationMembership.Role.MEMBER, TeamMembership.Role.EDITOR)


@pytest.fixture
def vera(quick_passwords: None, team: Team) -> User:
    return join("vera", team, OrganisationMembership.Role.MEMBER, TeamMembership.Role.VIEWER)


@pytest.fixture
def charlie(quick_passwords: None, other_team: Team) -> User:
    return join("charlie", other_team, OrganisationMembership.Role.OWNER, TeamMembership.Role.ADMIN)


@pytest.fixture
def api() -> ApiFor:
    """Return a factory of REST clients: `api(alice).get("/api/v1/flows")`."""

    def client_of(user: User) -> APIClient:
        client = APIClient()
        client.force_authenticate(user)
        return client

    return client_of


@pytest.fixture
def page() -> PageFor:
    """Return a factory of signed-in browsers (no JavaScript): `page(alice).get("/executions")`."""

    def client_of(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return client_of


def join(name: str, team: Team, organisation_role: str, team_role: str) -> User:
    """Make the user `<name>@example.com` with these roles in the team and its organisation."""
    user = User.objects.create_user(f"{name}@example.com", PASSWORD, name=name.title())
    OrganisationMembership.objects.create(organisation=team.organisation, user=user, role=organisation_role)
    TeamMembership.objects.create(team=team, user=user, role=team_role)
    return user
