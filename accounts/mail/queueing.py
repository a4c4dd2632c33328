"""Queue mails for a worker.

Web processes pass on the address that somebody typed, and the worker looks up whether it belongs to a user. So the
answer takes as long for a stranger's address as for a user's.
"""

from __future__ import annotations

import logging
from typing import Any

from kombu.exceptions import OperationalError

from accounts.mail import tasks

logger = logging.getLogger(__name__)


class MailUnavailable(Exception):
    """The broker is down, so the mail could not be queued."""


def ask_for_reset(*, email: str) -> None:
    """Queue the link to set a password; raises MailUnavailable."""
    _ask(tasks.mail_reset, email)


def ask_for_confirmation(*, email: str) -> None:
    """Queue the link that confirms an address; raises MailUnavailable."""
    _ask(tasks.mail_registration, email)


def ask_for_invitation(*, invitation_id: str) -> None:
    """Queue the link of an invitation; raises MailUnavailable."""
    _ask(tasks.mail_invitation, invitation_id)


def _ask(task: Any, argument: str) -> None:
    try:
        task.delay(argument)
    except (OperationalError, OSError) as error:
        logger.error("%s cannot be asked for: %s", task.name, error)
        raise MailUnavailable from error
