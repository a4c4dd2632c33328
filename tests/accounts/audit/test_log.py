"""Tests of `accounts.audit.log` and `accounts.models.audit_events`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from accounts.audit import log as audit
from accounts.models import AuditEvent, OrganisationMembership, Team, User
from accounts.models.audit_events import AppendOnly
from tests.cast import join


def test_an_event_says_who_did_what_from_where(alice: User, team: Team) -> None:
    request = RequestFactory().post(
        "/api/v1/teams", REMOTE_ADDR="192.0.2.7", headers={"User-Agent": "curl/8" * 100}
    )
    audit.record(
        actor=alice, action="team.rename", team=team, target=team, detail={"from": "A"}, request=request
    )
    event = AuditEvent.objects.get()
    assert (event.actor_id, event.actor_name) == (alice.pk, "alice@example.com")
    assert (event.team_id, event.team_name, event.organisation_id) == (
        team.pk,
        "Checkout",
        team.organisation_id,
    )
    assert (event.target_type, event.target_id, event.target_name) == ("team", str(team.pk), "Checkout")
    assert (event.door, event.ip, len(event.user_agent)) == ("API", "192.0.2.7", 200)
    assert (event.detail, event.token_id) == ({"from": "A"}, None)


def test_what_nobody_asked_for_is_the_systems(alice: User) -> None:
    audit.record(actor=None, action="schedule.run")
    event = AuditEvent.objects.get()
    assert (event.door, event.actor_name, event.ip) == ("SYSTEM", "", None)


def test_text_that_a_database_refuses_is_kept_readably(alice: User, team: Team) -> None:
    team.name = "a\0b\ud800" + "x" * 300
    audit.record(actor=alice, action="flow.save", team=team, detail={"\0": ["\0", 1, None, {"a": team.pk}]})
    event = AuditEvent.objects.get()
    assert event.team_name.startswith("a␀b\\ud800x")
    assert event.detail == {"␀": ["␀", 1, None, {"a": str(team.pk)}]}


def test_an_event_goes_with_its_change(alice: User) -> None:
    with transaction.atomic():
        audit.record(actor=alice, action="flow.delete")
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


def test_the_log_only_grows(alice: User) -> None:
    audit.record(actor=alice, action="flow.delete")
    event = AuditEvent.objects.get()
    for change in (event.save, event.delete, AuditEvent.objects.all().delete):
        with pytest.raises(AppendOnly):
            change()
    with pytest.raises(AppendOnly):
        AuditEvent.objects.update(action="x")
    assert AuditEvent.objects.get().action == "flow.delete"


def test_the_database_refuses_too(alice: User) -> None:
    audit.record(actor=alice, action="flow.delete")
    refused = ["UPDATE accounts_auditevent SET action = 'x'"]
    if connection.vendor == "postgresql":  # SQLite has a trigger for UPDATE alone: see the migration
        refused.append("DELETE FROM accounts_auditevent")
    for statement in refused:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)
    assert AuditEvent.objects.get().action == "flow.delete"


def test_what_is_old_is_forgotten(alice: User, settings: Settings) -> None:
    now = timezone.now()
    for days in (0, 29, 31, 400):
        AuditEvent.objects.create(action=f"a.{days}", door="API", at=now - timedelta(days=days))
    settings.AUDIT_RETENTION_DAYS = 0
    assert audit.prune() == 0
    settings.AUDIT_RETENTION_DAYS = 365
    assert audit.prune() == 1
    settings.AUDIT_RETENTION_DAYS = 1  # too short: it counts as 30 days
    assert audit.prune() == 1
    assert {event.action for event in AuditEvent.objects.all()} == {"a.0", "a.29"}


def _read_by(user: User | AnonymousUser) -> set[str]:
    return {event.action for event in AuditEvent.objects.visible_to(user)}


def test_who_reads_what(alice: User, bob: User, vera: User, charlie: User, team: Team) -> None:
    audit.record(actor=vera, action="flow.run", team=team)
    audit.record(
        actor=alice, action="organisation.rename", organisation=team.organisation, target=team.organisation
    )
    audit.record(actor=bob, action="account.sign_in", target=bob)
    audit.record(actor=None, action="account.sign_in_failed", target=bob)
    audit.record(actor=None, action="account.sign_in_failed", detail={"email": "nobody@example.com"})
    everything = {"flow.run", "organisation.rename", "account.sign_in", "account.sign_in_failed"}
    assert _read_by(alice) == everything
    assert AuditEvent.objects.visible_to(alice).count() == 4  # nobody's belongs to no organisation
    assert _read_by(bob) == {"account.sign_in", "account.sign_in_failed"}
    assert _read_by(vera) == _read_by(charlie) == _read_by(AnonymousUser()) == set()


def test_a_team_admin_reads_their_team(alice: User, team: Team, other_team: Team) -> None:
    dora = join("dora", team, "MEMBER", "ADMIN")
    audit.record(actor=alice, action="flow.run", team=team)
    audit.record(actor=alice, action="flow.save", team=other_team)
    audit.record(actor=alice, action="organisation.rename", organisation=team.organisation)
    assert _read_by(dora) == {"flow.run"}


def test_pulling_a_stranger_in_does_not_show_where_they_sign_in(
    alice: User, charlie: User, team: Team
) -> None:
    OrganisationMembership.objects.create(organisation=team.organisation, user=charlie, role="MEMBER")
    audit.record(actor=charlie, action="account.sign_in", target=charlie)
    assert _read_by(alice) == set()
    assert _read_by(charlie) == {"account.sign_in"}


def test_the_log_outlives_what_it_speaks_of(alice: User, bob: User, team: Team) -> None:
    audit.record(actor=bob, action="flow.run", team=team, target=team)
    organisation = team.organisation
    team.delete()
    bob.delete()
    event = AuditEvent.objects.visible_to(alice).get()
    assert (event.actor_name, event.target_name) == ("bob@example.com", "Checkout")
    assert event.organisation_id == organisation.pk


def test_the_detail_in_one_line() -> None:
    event = AuditEvent(detail={"fields": ["name", "config"], "version": 3, "by": "é", "more": [{"a": None}]})
    assert event.detail_text == 'fields: name, config; version: 3; by: é; more: [{"a": null}]'
