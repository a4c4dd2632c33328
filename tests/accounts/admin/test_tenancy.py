"""Tests of `accounts.admin.tenancy` and `accounts.admin.scope`."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Invitation, Organisation, OrganisationMembership, Team, User
from tests.accounts.conftest import Mailbox
from tests.cast import PASSWORD, PageFor

LISTS = ("user", "organisation", "team")


@pytest.fixture
def root(quick_passwords: None, db: None) -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD)


@pytest.fixture
def staff(alice: User) -> User:
    """Make Alice staff who may change everything that she sees."""
    alice.is_staff = True
    alice.save()
    alice.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    return alice


def test_administrators_sign_in_with_their_address(client: Client, root: User) -> None:
    answer = client.post("/admin/login/?next=/admin/", {"username": "ROOT@example.com", "password": PASSWORD})
    assert answer["Location"] == "/admin/"
    assert "Async Testing Service" in client.get("/admin/").content.decode()


def test_others_do_not_get_in(page: PageFor, alice: User) -> None:
    assert page(alice).get("/admin/").status_code == 302


@pytest.mark.parametrize("model", LISTS)
def test_administrators_see_everything(
    page: PageFor, root: User, alice: User, charlie: User, model: str
) -> None:
    browser = page(root)
    listed = browser.get(
        f"/admin/accounts/{model}/?q=example.com" if model == "user" else f"/admin/accounts/{model}/"
    )
    text = listed.content.decode()
    theirs = {"user": "charlie@example.com", "organisation": "Globex", "team": "Warehouse"}[model]
    assert listed.status_code == 200
    assert theirs in text


@pytest.mark.parametrize("model", LISTS)
def test_lists_take_few_queries(
    page: PageFor, root: User, model: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        organisation = Organisation.objects.create(name=f"O{number}")
        Team.objects.create(organisation=organisation, name="T")
        user = User.objects.create_user(f"u{number}@example.com")
        OrganisationMembership.objects.create(organisation=organisation, user=user)
    browser = page(root)
    with django_assert_max_num_queries(7):
        assert browser.get(f"/admin/accounts/{model}/").status_code == 200


def test_staff_see_only_their_own(page: PageFor, staff: User, bob: User, charlie: User, root: User) -> None:
    browser = page(staff)
    pages = {model: browser.get(f"/admin/accounts/{model}/").content.decode() for model in LISTS}
    assert "bob@example.com" in pages["user"]
    assert "charlie@example.com" not in pages["user"]
    assert "root@example.com" not in pages["user"]
    assert "Globex" not in pages["organisation"]
    assert "Warehouse" not in pages["team"]
    assert browser.get(f"/admin/accounts/user/{charlie.pk}/change/").status_code == 302
    assert browser.get(f"/admin/accounts/user/{charlie.pk}/password/").status_code == 404


def test_staff_cannot_take_over_an_administrator(page: PageFor, staff: User, root: User, team: Team) -> None:
    OrganisationMembership.objects.create(organisation=team.organisation, user=root)
    answer = page(staff).get(f"/admin/accounts/user/{root.pk}/password/")
    assert answer.status_code == 404


def test_staff_cannot_give_themselves_powers(page: PageFor, staff: User) -> None:
    form = _form_of(page(staff), f"/admin/accounts/user/{staff.pk}/change/")
    page(staff).post(f"/admin/accounts/user/{staff.pk}/change/", {**form, "name": "A", "is_superuser": "on"})
    staff.refresh_from_db()
    assert (staff.name, staff.is_superuser) == ("A", False)


def test_staff_cannot_pull_strangers_in(page: PageFor, staff: User, team: Team, charlie: User) -> None:
    url = f"/admin/accounts/team/{team.pk}/change/"
    form = _form_of(page(staff), url)
    form |= {"memberships-TOTAL_FORMS": "2", "memberships-1-team": str(team.pk)}
    form |= {"memberships-1-user": str(charlie.pk), "memberships-1-role": "VIEWER"}
    answer = page(staff).post(url, form)
    assert "Select a valid choice" in answer.content.decode()
    assert not team.memberships.filter(user=charlie).exists()
    found = page(staff).get(
        "/admin/autocomplete/?app_label=accounts&model_name=teammembership&field_name=user&term=example"
    )
    assert [result["text"] for result in found.json()["results"]] == ["alice@example.com"]


def test_staff_without_permissions_only_look(page: PageFor, staff: User, team: Team) -> None:
    staff.user_permissions.clear()
    browser = page(staff)
    assert browser.get(f"/admin/accounts/team/{team.pk}/change/").status_code == 200
    assert browser.post(f"/admin/accounts/team/{team.pk}/change/", {"name": "x"}).status_code == 403
    assert browser.get("/admin/accounts/user/add/").status_code == 403


def test_a_user_is_added_and_can_sign_in(page: PageFor, root: User) -> None:
    fields = {"email": "New@Example.com", "name": "New", "usable_password": "true"}
    fields |= {"password1": PASSWORD, "password2": PASSWORD}
    assert page(root).post("/admin/accounts/user/add/", fields).status_code == 302
    assert Client().login(username="new@example.com", password=PASSWORD)
    again = page(root).post("/admin/accounts/user/add/", {**fields, "email": "NEW@example.com"})
    assert "already exists" in again.content.decode()


def test_a_password_is_changed_in_its_own_form(page: PageFor, root: User, alice: User) -> None:
    url = f"/admin/accounts/user/{alice.pk}/password/"
    fields = {
        "usable_password": "true",
        "password1": "a new long passphrase",
        "password2": "a new long passphrase",
    }
    assert page(root).post(url, fields).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("a new long passphrase")
    assert page(root).post(url, {**fields, "password1": "1", "password2": "1"}).status_code == 200


def test_an_organisation_is_shown_with_members_and_teams(
    page: PageFor, root: User, alice: User, bob: User
) -> None:
    organisation = Organisation.objects.get(name="Acme")
    text = page(root).get(f"/admin/accounts/organisation/{organisation.pk}/change/").content.decode()
    for shown in ("alice@example.com", "bob@example.com", "Checkout"):
        assert shown in text


def test_refresh_tokens_are_not_shown(page: PageFor, root: User) -> None:
    assert page(root).get("/admin/token_blacklist/outstandingtoken/").status_code == 404


def _form_of(browser: Client, url: str) -> dict[str, Any]:
    """Return what the form at `url` would send unchanged."""
    context = browser.get(url).context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    sent = {form.add_prefix(name): form[name].value() for form in forms for name in form.fields}
    return {name: value for name, value in sent.items() if value is not None}


def test_users_are_mailed_signed_out_and_unlocked(
    mails: Mailbox, settings: Settings, page: PageFor, root: User, alice: User
) -> None:
    settings.AXES_FAILURE_LIMIT = 1
    session = page(alice)
    locked = Client()
    fields = {"username": alice.email, "password": "wrong"}
    assert locked.post("/sign-in", fields).status_code == 429
    browser = page(root)
    for action in ("send_reset", "sign_out", "unlock"):
        chosen = {"action": action, "_selected_action": [str(alice.pk)]}
        assert browser.post("/admin/accounts/user/", chosen).status_code == 302
    assert mails.last.to == [alice.email]
    assert session.get("/executions").status_code == 302
    assert locked.post("/sign-in", {**fields, "password": PASSWORD}).status_code == 302


def test_who_is_switched_off_and_on_again_signs_in_anew(page: PageFor, root: User, alice: User) -> None:
    session, url = page(alice), f"/admin/accounts/user/{alice.pk}/change/"
    form = _form_of(page(root), url)
    for changed in ({**form, "is_active": ""}, {**form, "is_active": "on"}):
        assert page(root).post(url, changed).status_code == 302
    assert session.get("/executions").status_code == 302


def test_invitations_are_sent_and_taken_back(
    mails: Mailbox, page: PageFor, root: User, alice: User, bob: User, other_team: Team
) -> None:
    url = "/admin/accounts/invitation/"
    organisation = alice.organisation_memberships.get().organisation
    fields = {"organisation": str(organisation.pk), "email": "New@example.com", "role": "MEMBER"}
    browser = page(root)
    for wrong in ({"email": bob.email}, {"team": str(other_team.pk)}):
        assert browser.post(f"{url}add/", {**fields, **wrong}).status_code == 200
    assert mails.sent == []
    assert browser.post(f"{url}add/", fields).status_code == 302
    invitation = Invitation.objects.get()
    assert mails.last.to == ["new@example.com"]
    browser.post(url, {"action": "send_again", "_selected_action": [str(invitation.pk)]})
    assert len(mails.sent) == 2
    assert "new@example.com" in browser.get(url).content.decode()
    assert browser.post(f"{url}{invitation.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Invitation.objects.exists()


def test_staff_see_invitations_they_may_make(
    page: PageFor, staff: User, other_organisation: Organisation
) -> None:
    own = staff.organisation_memberships.get().organisation
    for organisation in (own, other_organisation):
        Invitation.objects.create(
            organisation=organisation, email=f"{organisation.name}@example.com", role="MEMBER"
        )
    text = page(staff).get("/admin/accounts/invitation/").content.decode()
    assert "Acme@example.com" in text
    assert "Globex@example.com" not in text
