"""What tests of accounts share: mails that are sent at once, and kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from celery import current_app
from django.core.mail import EmailMessage
from pytest_django import Settings

from tests.cast import PASSWORD

NEW_PASSWORD = "a quite different passphrase"
NEWCOMER = {"email": "new@example.com", "password": PASSWORD, "name": "Nora New"}


@dataclass
class Mailbox:
    """The mails that were sent."""

    sent: list[EmailMessage]

    @property
    def last(self) -> EmailMessage:
        return self.sent[-1]

    @property
    def link(self) -> str:
        """The path of the link in the last mail."""
        found: list[str] = re.findall(r"http://127\.0\.0\.1:8000(/\S+)", str(self.last.body))
        return found[-1]

    @property
    def token(self) -> str:
        """The token at the end of that link."""
        return self.link.rsplit("/", 1)[1]


@pytest.fixture
def mails(db: None, mailoutbox: list[Any]) -> Iterator[Mailbox]:  # `db` first: it makes the outbox
    """Run what a worker would run for mails here and now."""
    current_app.conf.update(task_always_eager=True, task_eager_propagates=True)
    yield Mailbox(mailoutbox)
    current_app.conf.update(task_always_eager=False, task_eager_propagates=False)


@pytest.fixture
def open_registration(settings: Settings, quick_passwords: None, db: None) -> None:
    """Let strangers make accounts, which they confirm by mail."""
    settings.REGISTRATION_OPEN = True
