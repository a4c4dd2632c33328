"""Tests of `accounts.services.housekeeping`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.models import AuditEvent, User
from accounts.services import housekeeping
from tests.cast import PASSWORD

NOW = timezone.now
MOMENT = timedelta(minutes=1)
KINDS: list[type[models.Model]] = [Session, OutstandingToken, BlacklistedToken, AccessAttempt, AuditEvent]


def leave_behind(count: int, *, before: timedelta) -> None:
    """Make so many rows of each kind that were over `before` ago; negative: that will be over then."""
    end = NOW() - before
    for number in range(count):
        name = f"{number}-{before}"
        Session.objects.create(session_key=name, session_data="", expire_date=end)
        token = OutstandingToken.objects.create(jti=name, token="t", expires_at=end)
        BlacklistedToken.objects.create(token=token)
        attempt = AccessAttempt.objects.create(username=name, failures_since_start=1)
        AccessAttempt.objects.filter(pk=attempt.pk).update(attempt_time=end - settings.AXES_COOLOFF_TIME)
        kept = timedelta(days=settings.AUDIT_RETENTION_DAYS)
        AuditEvent.objects.create(action="a.b", door="API", at=end - kept)


def counts() -> list[int]:
    return [kind._default_manager.count() for kind in KINDS]


def test_what_is_over_is_removed_in_portions(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "PORTION", 2)
    leave_behind(5, before=MOMENT)
    leave_behind(3, before=-MOMENT)
    assert housekeeping.tidy() == {"sessions": 5, "refreshTokens": 5, "failedSignIns": 5, "auditEvents": 5}
    assert counts() == [3] * len(KINDS)
    assert set(housekeeping.tidy().values()) == {0}


def test_it_ends_when_it_is_told_to_and_goes_on_later(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "PORTION", 2)
    leave_behind(5, before=MOMENT)
    answers = iter([True])
    assert housekeeping.tidy(go_on=lambda: next(answers, False))["sessions"] == 2
    assert counts() == [3, 5, 5, 5, 5]
    assert housekeeping.tidy()["sessions"] == 3
    assert counts() == [0] * len(KINDS)


def test_who_is_signed_in_stays_so(alice: User, client: Client) -> None:
    client.force_login(alice)
    body: dict[str, Any] = {"email": alice.email, "password": PASSWORD}
    refresh = client.post("/api/v1/auth/login", body, content_type="application/json").json()["refresh"]
    leave_behind(1, before=MOMENT)
    housekeeping.tidy()
    answer = client.post("/api/v1/auth/refresh", {"refresh": refresh}, content_type="application/json")
    assert answer.status_code == 200
    assert client.get("/api/v1/profile").status_code == 200
