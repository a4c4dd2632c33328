"""Tests of `accounts.services.people`: who administers whom."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.test import RequestFactory

from accounts.models import AuditEvent, Organisation, OrganisationMembership, User
from accounts.services import organisations as services
from accounts.services import people
from accounts.sign_in import sessions
from tests.cast import PASSWORD


@pytest.fixture
def root(quick_passwords: None, db: None) -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD)


def place(user: User, organisation: Organisation, role: str) -> None:
    OrganisationMembership.objects.update_or_create(
        user=user, organisation=organisation, defaults={"role": role}
    )


def test_an_owner_administers_those_who_are_theirs_alone(
    alice: User, bob: User, vera: User, charlie: User, other_organisation: Organisation
) -> None:
    assert set(people.managed_by(alice)) == {bob, vera}
    place(bob, other_organisation, "MEMBER")
    assert set(people.managed_by(alice)) == {vera}
    assert not people.managed_by(charlie).exists()


def test_pulling_somebody_in_gives_no_power(
    alice: User, charlie: User, other_organisation: Organisation
) -> None:
    place(alice, other_organisation, "MEMBER")
    assert not people.managed_by(charlie).exists()


def test_whoever_is_added_without_being_asked_keeps_their_account(
    bob: User, charlie: User, root: User, organisation: Organisation, other_organisation: Organisation
) -> None:
    loner = User.objects.create_user("zed@example.com", PASSWORD)
    services.add_to_organisation(organisation=other_organisation, user=loner, role="MEMBER", consented=False)
    assert loner not in people.managed_by(charlie)
    loner.organisation_memberships.update(consented=True)
    assert loner in people.managed_by(charlie)


def test_adding_somebody_takes_them_from_nobody(
    alice: User, bob: User, charlie: User, other_organisation: Organisation
) -> None:
    services.add_to_organisation(organisation=other_organisation, user=bob, role="MEMBER", consented=False)
    assert bob in people.managed_by(alice)
    assert bob not in people.managed_by(charlie)


def test_members_administer_nobody(alice: User, bob: User, vera: User) -> None:
    assert not people.managed_by(bob).exists()


def test_an_admin_administers_no_owner(
    alice: User, bob: User, vera: User, organisation: Organisation
) -> None:
    place(bob, organisation, "ADMIN")
    assert set(people.managed_by(bob)) == {vera}
    place(vera, organisation, "OWNER")
    assert set(people.managed_by(bob)) == set()
    assert set(people.managed_by(alice)) == {bob, vera}


def test_staff_are_for_the_admin_site(alice: User, bob: User, root: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    assert bob not in people.managed_by(alice)
    assert set(people.managed_by(root)) == {alice}


def test_administrators_see_everybody(alice: User, charlie: User, root: User) -> None:
    assert set(people.people_of(root)) == {alice, charlie, root}
    assert set(people.people_of(alice)) == {alice}
    assert not people.people_of(AnonymousUser()).exists()
    assert not people.people_of(alice).get(pk=alice.pk).managed  # type: ignore[attr-defined] # an annotation


def test_an_account_is_made_once(root: User) -> None:
    user = people.create(email="New@Example.com", name="Nora", password=PASSWORD, creator=root)
    assert user.email == "new@example.com"
    assert user.email_verified
    with pytest.raises(people.AddressTaken):
        people.create(email="new@example.com", name="", password=PASSWORD, creator=root)
    with pytest.raises(ValidationError):
        people.create(email="other@example.com", name="", password="12345678", creator=root)


def test_switching_off_ends_tokens_for_good(alice: User, bob: User) -> None:
    request = RequestFactory().post("/")
    tokens = sessions.sign_in(request=request, email=bob.email, password=PASSWORD)
    people.switch(user=bob, active=False)
    with pytest.raises(sessions.WrongCredentials):
        sessions.sign_in(request=request, email=bob.email, password=PASSWORD)
    people.switch(user=bob, active=True)
    people.switch(user=bob, active=True)
    with pytest.raises(sessions.InvalidToken):
        sessions.renew(refresh=tokens.refresh)
    assert (
        sessions.sign_in(request=RequestFactory().post("/"), email=bob.email, password=PASSWORD).user == bob
    )
    told = AuditEvent.objects.filter(target_id=str(bob.pk), action__startswith="account.switch")
    assert sorted(event.action for event in told) == ["account.switch_off", "account.switch_on"]
