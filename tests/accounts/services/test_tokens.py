"""Tests of `accounts.services.tokens`, and of what a token means for the rules."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import ApiToken, AuditEvent, Organisation, Team, TeamMembership, User
from accounts.permissions import (
    Action,
    OrganisationAction,
    may,
    may_in_organisation,
)
from accounts.services import tokens
from accounts.services.people import people_of


def _make(user: User, team: Team | None = None, **fields: object) -> tuple[ApiToken, str]:
    wanted: dict[str, object] = {
        "name": "CI",
        "scopes": ["RUN", "READ"],
        "expires_at": timezone.now() + timedelta(days=1),
    }
    return tokens.create_token(user=user, team=team, **{**wanted, **fields})  # type: ignore[arg-type]  # as wanted


def test_a_token_is_found_by_its_secret_alone(alice: User) -> None:
    token, secret = _make(alice)
    assert secret.startswith("ats_")
    assert len(secret) >= 4 + 43  # 256 bits in base64
    assert tokens.find_token(secret) == token
    assert token.scopes == ["READ", "RUN"]
    for wrong in ("", "ats_", secret[:-1], secret + "x", token.digest, "ats_\ud800", "é" * 10_000):
        with pytest.raises(tokens.TokenInvalid):
            tokens.find_token(wrong)


def test_the_secret_is_kept_nowhere(alice: User) -> None:
    token, secret = _make(alice)
    kept = str(ApiToken.objects.values().get(pk=token.pk)) + str(list(AuditEvent.objects.values()))
    assert secret not in kept
    assert secret[len(token.hint) :] not in kept
    assert AuditEvent.objects.get().action == "token.create"


def test_its_use_is_noted_once_a_minute(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    _, secret = _make(alice)
    with django_assert_num_queries(2):
        tokens.find_token(secret)
    first = ApiToken.objects.get().last_used_at
    tokens.find_token(secret)
    assert ApiToken.objects.get().last_used_at == first is not None
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    tokens.find_token(secret)
    assert ApiToken.objects.get().last_used_at >= first  # type: ignore[operator]  # it is set


def test_an_expired_token_says_so(alice: User) -> None:
    _, secret = _make(alice, expires_at=timezone.now())
    with pytest.raises(tokens.TokenExpired):
        tokens.find_token(secret)


def test_a_user_who_is_switched_off_has_no_tokens(alice: User) -> None:
    _, secret = _make(alice)
    User.objects.update(is_active=False)
    with pytest.raises(tokens.TokenInvalid):
        tokens.find_token(secret)


def test_a_new_password_ends_them_and_a_new_name_does_not(alice: User, bob: User) -> None:
    (_, secret), (_, other) = _make(alice), _make(bob)
    alice.name = "A."
    alice.save()
    tokens.find_token(secret)
    alice.set_password("another long passphrase")
    alice.save(update_fields=["password"])
    with pytest.raises(tokens.TokenInvalid):
        tokens.find_token(secret)
    tokens.find_token(other)


def test_a_revoked_token_is_over(alice: User) -> None:
    token, secret = _make(alice)
    tokens.revoke_token(token=token)
    with pytest.raises(tokens.TokenInvalid):
        tokens.find_token(secret)
    assert AuditEvent.objects.first().action == "token.revoke"  # type: ignore[union-attr]  # there are two


def test_there_is_an_end_to_them(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 2)
    _make(alice)
    _make(alice)
    with pytest.raises(tokens.TooManyTokens):
        _make(alice)


def test_everybody_has_their_own(alice: User, bob: User) -> None:
    token, _ = _make(alice)
    assert list(ApiToken.objects.visible_to(alice)) == [token]
    assert not ApiToken.objects.visible_to(bob).exists()
    assert not ApiToken.objects.visible_to(AnonymousUser()).exists()


def test_a_bound_token_knows_one_team(
    alice: User, team: Team, other_team: Team, organisation: Organisation
) -> None:
    TeamMembership.objects.create(team=other_team, user=alice, role="ADMIN")
    _, secret = _make(alice, team)
    bound = tokens.find_token(secret).user
    assert set(Team.objects.visible_to(alice)) == {team, other_team}
    assert list(Team.objects.visible_to(bound)) == [team]
    assert list(Organisation.objects.visible_to(bound)) == [organisation]
    for action in Action:
        assert may(bound, action, team)
        assert not may(bound, action, other_team)
        assert Team.objects.ids_permitting(bound, action) == {team.pk}
    for act in OrganisationAction:
        assert not may_in_organisation(bound, act, organisation)
        assert not Organisation.objects.ids_permitting(bound, act)


def test_a_bound_token_knows_the_people_of_its_team(
    alice: User, bob: User, vera: User, team: Team, organisation: Organisation
) -> None:
    colleague = User.objects.create_user("colleague@example.com")
    organisation.memberships.create(user=colleague, role="MEMBER")
    _, secret = _make(bob, team)
    bound = tokens.find_token(secret).user
    assert set(User.objects.visible_to(bob)) == {alice, bob, vera, colleague}
    assert set(User.objects.visible_to(bound)) == {alice, bob, vera}  # alice owns the organisation
    bound.is_superuser = True
    assert set(people_of(bound)) == {alice, bob, vera}
    TeamMembership.objects.filter(user=bob).delete()
    assert set(User.objects.visible_to(bound)) == {bob}


def test_a_token_bound_to_a_team_that_its_user_left_sees_nothing(bob: User, team: Team) -> None:
    _, secret = _make(bob, team)
    TeamMembership.objects.filter(user=bob).delete()
    assert not Team.objects.visible_to(tokens.find_token(secret).user).exists()
