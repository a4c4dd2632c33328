"""Create one's own account, with an organisation and a team to start in."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction

from accounts.audit import log as audit
from accounts.backends import awaits_confirmation
from accounts.mail import links
from accounts.mail import queueing as mailing
from accounts.mail.links import Purpose
from accounts.models import User
from accounts.services import organisations as services
from accounts.transactions import retried

TEAM_NAME = "Main team"
LONGEST_ORGANISATION = 150


class RegistrationOff(Exception):
    """Registration is off in this installation."""


class AddressTaken(Exception):
    """The address has an account; told only where addresses are not verified anyway."""


def register(*, email: str, password: str, name: str = "") -> None:
    """Create an account, and queue the mail with the link that confirms its address.

    Nobody outside can see whether the address had an account before: the mail tells its owner. An account that nobody
    has confirmed is created again, and its earlier links become invalid, so nobody can set a password for somebody
    else's address. Raises RegistrationOff, Django's ValidationError (weak password), AddressTaken (only without
    verification) and mailing.MailUnavailable.
    """
    if not settings.REGISTRATION_OPEN:
        raise RegistrationOff
    address = email.strip().lower()
    validate_password(password, User(email=address, name=name))
    _make(address, password, name)
    if settings.EMAIL_VERIFICATION:
        mailing.ask_for_confirmation(email=address)


def send_again(*, email: str) -> None:
    """Queue the link again, if the address waits for confirmation; raises mailing.MailUnavailable."""
    if not settings.REGISTRATION_OPEN:
        raise RegistrationOff
    mailing.ask_for_confirmation(email=email.strip().lower())


@retried
def confirm(*, token: str) -> User:
    """Confirm the address whose link it is; raises links.LinkOver."""
    user = links.held_user_of(Purpose.CONFIRM, token)
    confirm_user(user)
    return user


def confirm_user(user: User) -> None:
    """Mark the address as confirmed; with that, whoever registered gets an organisation of their own."""
    if not User.objects.filter(pk=user.pk, email_verified=False).update(email_verified=True):
        return
    user.email_verified = True
    audit.record(actor=user, action="account.confirm_address", target=user)
    if not user.organisation_memberships.exists():
        _settle(user)


def _make(address: str, password: str, name: str) -> None:
    # Hashed before anything is looked up: a new, a waiting and a known address take the same time.
    user = User(email=address, name=name, email_verified=not settings.EMAIL_VERIFICATION)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            audit.record(actor=user, action="account.register", target=user)
            if user.email_verified:
                _settle(user)
    except IntegrityError:
        _make_anew(user)


@retried
def _make_anew(wanted: User) -> None:
    if not settings.EMAIL_VERIFICATION:
        raise AddressTaken from None
    user = User.objects.select_for_update().get(email=wanted.email)
    if awaits_confirmation(user):
        user.name, user.password = wanted.name, wanted.password
        user.save(update_fields=["name", "password"])


def _settle(user: User) -> None:
    name = f"{user.get_short_name()}'s organisation"[-LONGEST_ORGANISATION:]
    try:
        organisation = services.create_organisation(name=name, owner=user)
    except services.NameTaken:
        name = f"{name[: LONGEST_ORGANISATION - 9]} {secrets.token_hex(4)}"
        organisation = services.create_organisation(name=name, owner=user)
    services.create_team(organisation=organisation, name=TEAM_NAME, creator=user)
