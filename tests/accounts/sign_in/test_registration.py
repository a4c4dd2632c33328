"""Tests of `accounts.sign_in.registration`."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from accounts.mail.links import LinkOver
from accounts.models import AuditEvent, Organisation, User
from accounts.sign_in import registration
from tests.accounts.conftest import NEW_PASSWORD, NEWCOMER, Mailbox
from tests.cast import PASSWORD

pytestmark = pytest.mark.usefixtures("open_registration")


def test_a_newcomer_owns_an_organisation_and_administers_a_team(mails: Mailbox) -> None:
    registration.register(**NEWCOMER)
    assert not Organisation.objects.exists()  # not before the address is confirmed
    user = registration.confirm(token=mails.token)
    place = user.organisation_memberships.get()
    assert (place.organisation.name, place.role) == ("Nora New's organisation", "OWNER")
    assert [(each.team.name, each.role) for each in user.team_memberships.all()] == [("Main team", "ADMIN")]
    actions = set(AuditEvent.objects.filter(actor_id=user.pk).values_list("action", flat=True))
    assert {"account.register", "account.confirm_address", "organisation.create", "team.create"} <= actions


def test_names_may_repeat(mails: Mailbox) -> None:
    for email in ("one@example.com", "two@example.com"):
        registration.register(email=email, password=PASSWORD, name="N" * 150)
        registration.confirm(token=mails.token)
    assert Organisation.objects.count() == 2


def test_a_link_confirms_once(mails: Mailbox) -> None:
    registration.register(**NEWCOMER)
    registration.confirm(token=mails.token)
    with pytest.raises(LinkOver):
        registration.confirm(token=mails.token)
    assert Organisation.objects.count() == 1


def test_without_verification_all_is_there_at_once(settings: Settings, mails: Mailbox) -> None:
    settings.EMAIL_VERIFICATION = False
    registration.register(**NEWCOMER)
    assert User.objects.get().organisation_memberships.count() == 1
    assert mails.sent == []
    with pytest.raises(registration.AddressTaken):
        registration.register(**NEWCOMER)


def test_an_account_is_left_alone_and_its_owner_told(mails: Mailbox, alice: User) -> None:
    registration.register(email="ALICE@example.com", password=NEW_PASSWORD, name="Mallory")
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert alice.name == "Alice"
    assert mails.last.to == ["alice@example.com"]
    assert "already have an account" in mails.last.subject
    assert mails.link == "/forgot-password"


def test_a_password_of_somebody_who_was_earlier_does_not_survive(mails: Mailbox) -> None:
    registration.register(email="new@example.com", password="what mallory chose", name="Mallory")
    planted = mails.token
    registration.register(**NEWCOMER)
    with pytest.raises(LinkOver):
        registration.confirm(token=planted)
    user = registration.confirm(token=mails.token)
    assert user.check_password(PASSWORD)
    assert user.name == "Nora New"


def test_the_link_can_be_sent_again(mails: Mailbox) -> None:
    registration.register(**NEWCOMER)
    registration.send_again(email="NEW@example.com")
    assert len(mails.sent) == 2
    registration.confirm(token=mails.token)
    registration.send_again(email="nobody@example.com")
    assert len(mails.sent) == 2


def test_registration_can_be_off(settings: Settings, mails: Mailbox) -> None:
    settings.REGISTRATION_OPEN = False
    with pytest.raises(registration.RegistrationOff):
        registration.register(**NEWCOMER)
    with pytest.raises(registration.RegistrationOff):
        registration.send_again(email="new@example.com")
    assert not User.objects.exists()
    assert mails.sent == []
