"""Tests of `accounts.mail.links`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone

from accounts.mail import links
from accounts.mail.links import LinkOver, Purpose
from accounts.models import Invitation, Organisation, User

ABOUT_USERS = [Purpose.CONFIRM, Purpose.RESET]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Let the signatures be read that much later."""

    def wait(delay: timedelta) -> None:
        now = signing.time.time  # type: ignore[attr-defined] # the module that signing imports
        monkeypatch.setattr(signing.time, "time", lambda: now() + delay.total_seconds())  # type: ignore[attr-defined]

    return wait


@pytest.mark.parametrize("purpose", ABOUT_USERS)
def test_a_link_leads_to_its_user(alice: User, purpose: Purpose) -> None:
    assert links.user_of(purpose, links.token_for(purpose, alice)) == alice


@pytest.mark.parametrize("purpose", ABOUT_USERS)
@pytest.mark.parametrize(
    "change",
    [
        {"password": "another"},
        {"email": "other@example.com"},
        {"email_verified": False},
        {"session_epoch": 7},
        {"is_active": False},
    ],
)
def test_a_link_is_over_once_its_user_changed(
    alice: User, purpose: Purpose, change: dict[str, object]
) -> None:
    token = links.token_for(purpose, alice)
    User.objects.filter(pk=alice.pk).update(**change)
    with pytest.raises(LinkOver):
        links.user_of(purpose, token)


def test_signing_in_ends_a_link_for_a_new_password(alice: User) -> None:
    token = links.token_for(Purpose.RESET, alice)
    User.objects.update(last_login=timezone.now())
    with pytest.raises(LinkOver):
        links.user_of(Purpose.RESET, token)


@pytest.mark.parametrize(("purpose", "lifetime"), [(p, links.lifetime(p)) for p in ABOUT_USERS])
def test_a_link_ends_with_its_time(
    alice: User, purpose: Purpose, lifetime: timedelta, later: Callable[[timedelta], None]
) -> None:
    token = links.token_for(purpose, alice)
    later(lifetime - timedelta(minutes=1))
    assert links.user_of(purpose, token) == alice
    later(timedelta(minutes=2))
    with pytest.raises(LinkOver):
        links.user_of(purpose, token)


def test_a_link_is_good_for_its_purpose_alone(alice: User) -> None:
    with pytest.raises(LinkOver):
        links.user_of(Purpose.RESET, links.token_for(Purpose.CONFIRM, alice))


def test_a_changed_token_is_none(alice: User) -> None:
    token = links.token_for(Purpose.RESET, alice)
    changed = [
        token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        for place in range(0, len(token), 7)
    ]
    for wrong in [*changed, "", "x", ":::", "a:b:c", token * 20, "\N{SNOWMAN}", "\ud800"]:
        with pytest.raises(LinkOver):
            links.user_of(Purpose.RESET, wrong)


def test_an_invitation_ends_with_its_time_and_with_a_newer_mail(organisation: Organisation, db: None) -> None:
    invitation = Invitation.objects.create(organisation=organisation, email="new@example.com", role="MEMBER")
    token = links.invitation_token(invitation)
    assert links.invitation_of(token) == invitation
    invitation.expires_at += timedelta(seconds=1)
    invitation.save()
    with pytest.raises(LinkOver):
        links.invitation_of(token)
    invitation.expires_at = timezone.now() - timedelta(seconds=1)
    invitation.save()
    with pytest.raises(LinkOver):
        links.invitation_of(links.invitation_token(invitation))
