"""Asking a worker to send a mail.

Web processes pass on the address that somebody typed, and the worker looks up whether it is anybody's: so an answer
takes as long for a stranger's address as for a user's.
"""

from __future__ import annotations

import logging
from typing import Any

from kombu.exceptions import OperationalError

from accounts.mail import tasks

logger = logging.getLogger(__name__)


class MailUnavailable(Exception):
    """The broker is away, so nobody was asked to send the mail."""


def ask_for_reset(*, email: str) -> None:
    """Let the link to set a password be sent; raises MailUnavailable."""
    _ask(tasks.mail_reset, email)


def ask_for_confirmation(*, email: str) -> None:
    """Let the link that confirms an address be sent; raises MailUnavailable."""
    _ask(tasks.mail_registration, email)


def ask_for_invitation(*, invitation_id: str) -> None:
    """Let the link of an invitation be sent; raises MailUnavailable."""
    _ask(tasks.mail_invitation, invitation_id)


def _ask(task: Any, argument: str) -> None:
    try:
        task.delay(argument)
    except (OperationalError, OSError) as error:
        logger.error("%s cannot be asked for: %s", task.name, error)
        raise MailUnavailable from error
