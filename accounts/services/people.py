"""The people whom a user sees, and those whom they may administer.

An account may belong to several organisations, so an owner or admin of only one of them must not disable it. A user
administers an account if they own or administer all of its organisations; an ADMIN never administers an OWNER. An
organisation to which somebody was added without being asked does not count, since anybody can create one and add
strangers. Administrators of the installation administer everybody but each other (use the admin site for that).
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.audit import log as audit
from accounts.models import AnyUser, Organisation, OrganisationMembership, User
from accounts.permissions import OrganisationAction
from accounts.transactions import held, retried


class AddressTaken(Exception):
    """Another account has this address."""


def people_of(user: AnyUser) -> QuerySet[User]:
    """Return the people whom the user sees, each with `managed`: whether the user administers them."""
    if user.is_anonymous:
        return User.objects.none()
    return seen_by(user).annotate(managed=Exists(managed_by(user).filter(pk=OuterRef("pk"))))


def seen_by(user: User) -> QuerySet[User]:
    """Return the people whom the user sees: administrators of the installation see everybody."""
    everybody = user.is_superuser and not user.bound_team_id
    return User.objects.all() if everybody else User.objects.visible_to(user)


def to_add(*, adder: User, **named: Any) -> User | None:
    """Return the users whom the adder may add: active users whom they can already see.

    Nobody learns whether a stranger has an account; strangers are invited.
    """
    return seen_by(adder).filter(is_active=True, **named).first()


def managed_by(user: User) -> QuerySet[User]:
    """Return the people whom the user administers."""
    others = User.objects.filter(is_staff=False, is_superuser=False).exclude(pk=user.pk)
    if user.is_superuser:
        return others
    places = OrganisationMembership.objects.filter(user=OuterRef("pk"), consented=True)
    owned = Organisation.objects.ids_permitting(user, OrganisationAction.OWN)
    ruled = Organisation.objects.ids_permitting(user, OrganisationAction.MEMBERS)
    within = Q(organisation__in=owned) | Q(organisation__in=ruled) & ~Q(
        role=OrganisationMembership.Role.OWNER
    )
    return others.filter(Exists(places), ~Exists(places.exclude(within)))


def manages_people(user: User) -> bool:
    """Return whether the user administers anybody, or could."""
    return user.is_superuser or bool(Organisation.objects.ids_permitting(user, OrganisationAction.MEMBERS))


@transaction.atomic
def create(*, email: str, name: str, password: str, creator: User) -> User:
    """Create an account for somebody; raises AddressTaken, and ValidationError if the password is too weak."""
    address = email.strip().lower()
    validate_password(password, User(email=address, name=name))
    if User.objects.filter(email=address).exists():
        raise AddressTaken
    try:
        with transaction.atomic():
            user = User.objects.create_user(address, password, name=name)
    except IntegrityError:  # somebody else made it just now
        raise AddressTaken from None
    audit.record(actor=creator, action="account.create", target=user)
    return user


@retried
def rename(*, user: User, name: str) -> None:
    """Give an account another name."""
    now = held(user)
    detail = {"from": now.name}
    now.name = name
    now.save(update_fields=["name"])
    user.name = name
    audit.record(actor=None, action="account.rename", target=user, detail=detail)


@retried
def switch(*, user: User, active: bool) -> None:
    """Disable an account, which ends its sessions and tokens for good, or enable it again."""
    was_active = held(user).is_active
    user.is_active = active
    if was_active == active:
        return
    User.objects.filter(pk=user.pk).update(is_active=active, session_epoch=F("session_epoch") + 1)
    audit.record(actor=None, action="account.switch_on" if active else "account.switch_off", target=user)
