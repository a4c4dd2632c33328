"""Make an empty installation usable: an administrator, and a demo organisation and team to start in.

Everything here may run again: what exists stays as it is.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import transaction

from accounts.models import Organisation, OrganisationMembership, Team, TeamMembership, User

DEMO_ORGANISATION = "Demo"
DEMO_TEAM = "Demo team"


@dataclass(frozen=True, slots=True)
class Administrator:
    """The administrator, and the password if it was made just now (nobody can ever read it again)."""

    user: User
    generated_password: str | None


@transaction.atomic
def ensure_administrator(*, email: str, password: str) -> Administrator:
    """Return the administrator, created on first use; a given `password` is set, an empty one is generated.

    Without an `email` any existing administrator is returned.
    """
    known = _find_administrator(email)
    if known is None:
        chosen = password or secrets.token_urlsafe(12)
        user = User.objects.create_superuser(email or "admin@example.com", chosen, name="Administrator")
        return Administrator(user, None if password else chosen)
    _promote(known)
    if password and not known.check_password(password):
        known.set_password(password)
        known.save(update_fields=["password"])
    return Administrator(known, None)


def _find_administrator(email: str) -> User | None:
    if email:
        return User.objects.filter(email=email.lower()).first()
    return User.objects.filter(is_superuser=True, is_active=True).order_by("date_joined").first()


def _promote(user: User) -> None:
    if not (user.is_superuser and user.is_staff and user.is_active):
        user.is_superuser = user.is_staff = user.is_active = True
        user.save(update_fields=["is_superuser", "is_staff", "is_active"])


@transaction.atomic
def ensure_demo_team(*, owner: User) -> Team:
    """Return the demo team, made on first use, with `owner` in it."""
    organisation, _ = Organisation.objects.get_or_create(name=DEMO_ORGANISATION)
    team, _ = Team.objects.get_or_create(organisation=organisation, name=DEMO_TEAM)
    OrganisationMembership.objects.get_or_create(
        organisation=organisation, user=owner, defaults={"role": OrganisationMembership.Role.OWNER}
    )
    TeamMembership.objects.get_or_create(team=team, user=owner, defaults={"role": TeamMembership.Role.ADMIN})
    return team
