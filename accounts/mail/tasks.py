"""Celery tasks: the mails about accounts. What they are given is an address or an id, never a link."""

from __future__ import annotations

from smtplib import SMTPException
from typing import Any

from celery import shared_task

from accounts.mail import messages as mails

#: A mail server that is away or busy is asked again: after about 10, 20, 40 … seconds, with jitter.
RETRYING: Any = {
    "autoretry_for": (OSError, SMTPException),
    "retry_backoff": 10,
    "max_retries": 6,
    "ignore_result": True,
}


@shared_task(name="accounts.mail_reset", **RETRYING)
def mail_reset(email: str) -> None:
    """Send the link to set a new password."""
    mails.send_reset(email=email)


@shared_task(name="accounts.mail_registration", **RETRYING)
def mail_registration(email: str) -> None:
    """Send the link that confirms an address."""
    mails.send_registration(email=email)


@shared_task(name="accounts.mail_invitation", **RETRYING)
def mail_invitation(invitation_id: str) -> None:
    """Send the link that takes up an invitation."""
    mails.send_invitation(invitation_id=invitation_id)
