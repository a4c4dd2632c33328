"""An empty installation becomes usable, and running it again changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import Organisation, Team, User
from accounts.permissions import Action, may
from asynctester.bootstrap import ensure_administrator, ensure_demo_team

pytestmark = pytest.mark.django_db


def test_a_password_is_made_up_once() -> None:
    first = ensure_administrator(email="", password="")
    assert first.user.email == "admin@example.com"
    assert first.generated_password is not None
    assert len(first.generated_password) >= 16
    assert first.user.check_password(first.generated_password)
    assert first.user.is_superuser

    again = ensure_administrator(email="", password="")
    assert again.user == first.user
    assert again.generated_password is None
    assert again.user.check_password(first.generated_password)


def test_a_given_password_is_set_also_later() -> None:
    made = ensure_administrator(email="Root@Example.com", password="first one")
    assert made.generated_password is None
    assert made.user.email == "root@example.com"
    changed = ensure_administrator(email="ROOT@example.com", password="second one")
    assert changed.user == made.user
    assert changed.user.check_password("second one")


def test_a_user_who_is_named_becomes_the_administrator() -> None:
    user = User.objects.create_user("bob@example.com", "secret words", is_active=False)
    ensure_administrator(email="bob@example.com", password="")
    user.refresh_from_db()
    assert user.is_superuser
    assert user.is_staff
    assert user.is_active
    assert user.check_password("secret words")


def test_the_demo_team_is_made_once() -> None:
    owner = ensure_administrator(email="", password="").user
    team = ensure_demo_team(owner=owner)
    assert ensure_demo_team(owner=owner) == team
    assert Organisation.objects.count() == Team.objects.count() == 1
    assert list(Team.objects.visible_to(owner)) == [team]
    assert may(owner, Action.EDIT, team)


def test_the_command_writes_a_private_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_EMAIL", "root@example.com")
    file = tmp_path / "made.json"
    call_command("bootstrap", lab_url="http://127.0.0.1:8001", json=file)
    assert file.stat().st_mode & 0o777 == 0o600
    made = json.loads(file.read_text())
    user = User.objects.get(email="root@example.com")
    assert user.check_password(made["generatedPassword"])
    assert AccessToken(made["access"])["user_id"] == str(user.id)
    assert made["flowId"]


def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_EMAIL", "root")
    with pytest.raises(CommandError, match="ADMIN_EMAIL"):
        call_command("bootstrap")
    assert not User.objects.exists()
