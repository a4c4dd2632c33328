"""Tests of `accounts.sign_in.passwords`, `accounts.mail.messages` and `accounts.mail.queueing`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from pytest_django import Settings

from accounts.mail import messages as composing
from accounts.mail import queueing as mailing
from accounts.mail.links import LinkOver
from accounts.models import AuditEvent, User
from accounts.sign_in import passwords, registration, sessions
from tests.accounts.conftest import NEW_PASSWORD, NEWCOMER, Mailbox
from tests.cast import PASSWORD


def test_a_forgotten_password_is_set_once(mails: Mailbox, alice: User) -> None:
    passwords.forgot(email=" Alice@Example.com ")
    assert mails.last.to == ["alice@example.com"]
    assert passwords.reset(token=mails.token, password=NEW_PASSWORD) == alice
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)
    with pytest.raises(LinkOver):
        passwords.reset(token=mails.token, password=PASSWORD)
    assert AuditEvent.objects.filter(action="account.password_reset", actor_id=alice.pk).count() == 1


def test_a_weak_password_leaves_the_link_alive(mails: Mailbox, alice: User) -> None:
    passwords.forgot(email=alice.email)
    with pytest.raises(ValidationError):
        passwords.reset(token=mails.token, password="alice@example.com")
    passwords.reset(token=mails.token, password=NEW_PASSWORD)


def test_a_reset_ends_tokens(mails: Mailbox, alice: User) -> None:
    tokens = sessions.sign_in(request=RequestFactory().post("/"), email=alice.email, password=PASSWORD)
    passwords.forgot(email=alice.email)
    passwords.reset(token=mails.token, password=NEW_PASSWORD)
    with pytest.raises(sessions.InvalidToken):
        sessions.renew(refresh=tokens.refresh)


def test_nobody_else_gets_mail(mails: Mailbox, alice: User) -> None:
    alice.is_active = False
    alice.save()
    for email in ("nobody@example.com", alice.email):
        passwords.forgot(email=email)
    assert mails.sent == []


@pytest.mark.usefixtures("open_registration")
def test_who_had_the_mail_has_confirmed_the_address(mails: Mailbox) -> None:
    registration.register(**NEWCOMER)
    passwords.forgot(email="new@example.com")
    user = passwords.reset(token=mails.token, password=NEW_PASSWORD)
    assert user.email_verified
    assert user.organisation_memberships.count() == 1


def test_a_change_takes_the_password_so_far(alice: User) -> None:
    request = RequestFactory().post("/")
    with pytest.raises(passwords.WrongPassword):
        passwords.change(request=request, user=alice, current="wrong", new=NEW_PASSWORD)
    with pytest.raises(ValidationError):
        passwords.change(request=request, user=alice, current=PASSWORD, new="12345678")
    passwords.change(request=request, user=alice, current=PASSWORD, new=NEW_PASSWORD)
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)
    assert AuditEvent.objects.filter(action="account.password_change", actor_id=alice.pk).count() == 1


def test_mails_and_logs_hold_no_password_and_logs_no_link(
    mails: Mailbox, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        passwords.forgot(email=alice.email)
        passwords.reset(token=mails.token, password=NEW_PASSWORD)
    assert PASSWORD not in str(mails.last.body)
    for secret in (mails.token, NEW_PASSWORD, PASSWORD):
        assert secret not in caplog.text


def test_links_lead_to_the_public_address(settings: Settings, mails: Mailbox, alice: User) -> None:
    settings.PUBLIC_URL = "https://tests.example.com/ats"
    passwords.forgot(email=alice.email)
    assert "https://tests.example.com/ats/reset-password/" in str(mails.last.body)


def test_a_name_cannot_add_headers(mails: Mailbox, alice: User) -> None:
    composing._send("alice@example.com", "reset", link="x\nBcc: everybody@example.com", minutes=1)
    assert set(mails.last.message().keys()) & {"Bcc", "Cc"} == set()
    assert mails.last.recipients() == ["alice@example.com"]


@pytest.fixture
def closed_broker() -> Iterator[None]:
    """Celery's broker is a port at which nobody listens."""
    url = current_app.conf.broker_url
    _use_broker("redis://127.0.0.1:9/0")
    yield
    _use_broker(url)


def _use_broker(url: str) -> None:
    app: Any = current_app  # its type knows neither that settings can change nor where the pools are
    app.conf.broker_url = app.conf.broker_write_url = app.conf.broker_read_url = url
    app._pool = app.amqp._producer_pool = None


def test_an_unreachable_broker_is_said(closed_broker: None, alice: User) -> None:
    with pytest.raises(mailing.MailUnavailable):
        passwords.forgot(email=alice.email)
