"""Tests of `accounts.admin.logs`, and of what the admin's own forms leave in the audit log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.audit import log as audit
from accounts.models import ApiToken, AuditEvent, Organisation, User
from accounts.services import tokens
from tests.cast import PASSWORD, PageFor


@pytest.fixture
def root(quick_passwords: None, db: None) -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD)


def test_administrators_see_and_revoke_everybodys_tokens(page: PageFor, root: User, alice: User) -> None:
    token, secret = tokens.create_token(
        user=alice, name="CI", scopes=["READ"], expires_at=timezone.now() + timedelta(days=1)
    )
    browser = page(root)
    shown = browser.get(f"/admin/accounts/apitoken/{token.pk}/change/").content.decode()
    assert "CI" in shown
    assert secret not in shown
    assert token.digest not in shown
    assert browser.get("/admin/accounts/apitoken/add/").status_code == 403
    sent = {"action": "revoke", "_selected_action": [str(token.pk)]}
    browser.post("/admin/accounts/apitoken/", sent)
    assert not ApiToken.objects.exists()
    event = AuditEvent.objects.get(action="token.revoke")
    assert (event.actor_name, event.door, event.detail) == (
        "root@example.com",
        "ADMIN",
        {"of": "alice@example.com"},
    )


def test_the_log_is_shown_and_left_alone(page: PageFor, root: User) -> None:
    audit.record(actor=root, action="flow.delete", detail={"why": "<script>"})
    event = AuditEvent.objects.get(action="flow.delete")
    browser, url = page(root), f"/admin/accounts/auditevent/{event.pk}"
    assert "flow.delete" in browser.get("/admin/accounts/auditevent/").content.decode()
    assert "&lt;script&gt;" in browser.get(f"{url}/change/").content.decode()
    assert browser.post(f"{url}/change/", {"action": "x"}).status_code == 403
    assert browser.post(f"{url}/delete/", {"post": "yes"}).status_code == 403
    assert AuditEvent.objects.filter(action="flow.delete").exists()


def test_what_the_admin_changes_is_in_the_log(page: PageFor, root: User) -> None:
    none = {
        f"{form}-{total}_FORMS": "0" for form in ("memberships", "teams") for total in ("TOTAL", "INITIAL")
    }
    browser = page(root)
    browser.post("/admin/accounts/organisation/add/", {"name": "Initech", **none})
    pk = Organisation.objects.get(name="Initech").pk
    browser.post(f"/admin/accounts/organisation/{pk}/change/", {"name": "Initrode", **none})
    browser.post(f"/admin/accounts/organisation/{pk}/delete/", {"post": "yes"})
    told = AuditEvent.objects.filter(organisation_id=pk).order_by("at")
    assert [(event.action, event.door, event.target_name) for event in told] == [
        ("organisation.create", "ADMIN", "Initech"),
        ("organisation.update", "ADMIN", "Initrode"),
        ("organisation.delete", "ADMIN", "Initrode"),
    ]
    assert told[1].detail == {"changes": [{"changed": {"fields": ["Name"]}}]}
