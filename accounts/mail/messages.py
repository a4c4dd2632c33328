"""The mails about accounts: who gets which, with which link.

A worker sends them (`mailing`, `tasks`).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.backends import awaits_confirmation
from accounts.mail import links
from accounts.mail.links import Purpose
from accounts.models import Invitation, User


def send_reset(*, email: str) -> None:
    """Send the link to set a password, if the address belongs to a user."""
    user = User.objects.filter(email=email.lower(), is_active=True).first()
    if user is not None:
        token = links.token_for(Purpose.RESET, user)
        minutes = settings.PASSWORD_RESET_TIMEOUT // 60
        _send(user.email, "reset", link=links.url(Purpose.RESET, token), minutes=minutes)


def send_registration(*, email: str) -> None:
    """Send the link that confirms the address; if the address already has an account, say so instead."""
    user = User.objects.filter(email=email.lower(), is_active=True).first()
    if user is None:
        return
    if not awaits_confirmation(user):
        _send(user.email, "known", link=settings.PUBLIC_URL + reverse("forgot-password"))
        return
    token = links.token_for(Purpose.CONFIRM, user)
    _send(
        user.email, "confirm", link=links.url(Purpose.CONFIRM, token), days=links.CONFIRMATION_LIFETIME.days
    )


def send_invitation(*, invitation_id: str) -> None:
    """Send the link that accepts the invitation, if it is still open."""
    pending = Invitation.objects.pending().select_related("organisation", "team", "invited_by")
    invitation = pending.filter(pk=invitation_id).first()
    if invitation is not None:
        link = links.url(Purpose.INVITE, links.invitation_token(invitation))
        _send(invitation.email, "invitation", link=link, invitation=invitation)


def _send(recipient: str, name: str, **context: Any) -> None:
    text = render_to_string(f"accounts/mail/{name}.txt", {**context, "site": settings.PUBLIC_URL})
    subject, _, body = text.partition("\n")
    # Names that people chose may hold line breaks; a header may not.
    message = EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[recipient])
    message.send()
