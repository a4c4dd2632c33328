"""Delete what has expired: sessions, refresh tokens, failed sign-ins, old audit events.

The sweeper of the workers calls `tidy` about once an hour. It deletes in batches, each in its own transaction, so
that nobody waits long for a lock, and finished batches stay deleted if the process ends half-way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts.audit import log as audit

PORTION = 1_000


def tidy(*, go_on: Callable[[], bool] = lambda: True) -> dict[str, int]:
    """Delete what has expired, and return the number of rows of each kind.

    `go_on` is called before each batch; False stops the work, and the next call continues it. Two calls at the same
    time do no harm.
    """
    now = timezone.now()
    over: dict[str, models.QuerySet[Any]] = {
        "sessions": Session.objects.filter(expire_date__lt=now),
        # With them goes the note that they were used or signed out: a token that is over is refused for its time.
        "refreshTokens": OutstandingToken.objects.filter(expires_at__lt=now),
        "failedSignIns": AccessAttempt.objects.filter(attempt_time__lt=now - settings.AXES_COOLOFF_TIME),
    }
    removed = {name: _remove(rows, go_on) for name, rows in over.items()}
    return {**removed, "auditEvents": audit.prune(go_on=go_on)}


def _remove(rows: models.QuerySet[Any], go_on: Callable[[], bool]) -> int:
    removed = 0
    while go_on():
        keys = list(rows.order_by("pk").values_list("pk", flat=True)[:PORTION])
        if not keys:
            break
        rows.model.objects.filter(pk__in=keys).delete()
        removed += len(keys)
    return removed
