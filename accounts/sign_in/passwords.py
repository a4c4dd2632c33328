"""Set passwords: with the old one, or with a link from a mail. Every session and token ends with it."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest

from accounts.audit import log as audit
from accounts.mail import links
from accounts.mail import queueing as mailing
from accounts.mail.links import Purpose
from accounts.models import User
from accounts.sign_in import lockout, registration
from accounts.transactions import held, retried


class WrongPassword(Exception):
    """This is not the user's password."""


def forgot(*, email: str) -> None:
    """Queue a mail with a link, if the address belongs to a user; raises mailing.MailUnavailable."""
    mailing.ask_for_reset(email=email.strip().lower())


@retried
def reset(*, token: str, password: str) -> User:
    """Set the password of the user whose link it is.

    Raises links.LinkOver, and Django's ValidationError if the password is too weak. Whoever had the mail has shown
    that the address is theirs: it counts as confirmed, and failed sign-ins are forgotten.
    """
    user = links.held_user_of(Purpose.RESET, token)
    validate_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    registration.confirm_user(user)
    lockout.forgive(email=user.email)
    audit.record(actor=user, action="account.password_reset", target=user)
    return user


def change(*, request: HttpRequest, user: User, current: str, new: str) -> None:
    """Change the user's password; raises WrongPassword, and ValidationError if it is too weak.

    Wrong guesses count as failed sign-ins, so a stolen session is no way around the lockout.
    """
    known = authenticate(request, username=user.email, password=current)
    if known is None or known.pk != user.pk:
        raise WrongPassword
    validate_password(new, user)
    _replace(request, known, new)


@retried
def _replace(request: HttpRequest, known: User, new: str) -> None:
    user = held(known)
    if user.password != known.password:  # another change came first: what was typed is the password before it
        raise WrongPassword
    user.set_password(new)
    user.save(update_fields=["password"])
    audit.record(actor=user, action="account.password_change", target=user, request=request)
