"""The only writer of the audit log, and what deletes old events.

Call `record` in the transaction of the change that it records, so that both are stored or neither is.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit.origin import origin
from accounts.models import AnyUser, AuditEvent, Organisation, OrganisationMembership, Team, User
from accounts.models.audit_events import LONGEST_NAME, SHORTEST_RETENTION

LONGEST_TEXT = 1_000
PRUNED_AT_ONCE = 1_000


def record(
    *,
    actor: AnyUser | None,
    action: str,
    team: Team | None = None,
    organisation: Organisation | None = None,
    target: models.Model | None = None,
    detail: Mapping[str, Any] | None = None,
    request: HttpRequest | None = None,
) -> None:
    """Write one event.

    `action` is noun.verb (`flow.delete`). `actor` None means the user of the current request. `detail` holds names,
    numbers and ids that explain the event: never secrets, and never values that may be secret. Pass `request` only if
    the current request (see `origin`) is the wrong one. An event without team and organisation is about an account;
    its organisation is the one that the account joined first.
    """
    source = origin(request)
    who = actor if isinstance(actor, User) else source.user
    account = target if isinstance(target, User) else who
    AuditEvent.objects.create(
        action=action,
        actor_id=who.pk if who else None,
        actor_name=who.email if who else "",
        organisation_id=_organisation_id(team, organisation, account),
        team_id=team.pk if team else None,
        team_name=_clean(team.name, LONGEST_NAME) if team else "",
        target_type=(target._meta.model_name or "") if target else "",
        target_id=str(target.pk) if target else "",
        target_name=_clean(_name_of(target), LONGEST_NAME) if target else "",
        door=source.door,
        ip=source.ip,
        user_agent=_clean(source.user_agent, LONGEST_TEXT),
        token_id=source.token_id,
        detail=_cleaned(detail or {}),
    )


def retention() -> timedelta | None:
    """Return how long events are kept, at least SHORTEST_RETENTION; None means for ever."""
    days = settings.AUDIT_RETENTION_DAYS
    return max(timedelta(days=days), SHORTEST_RETENTION) if days else None


def prune(*, go_on: Callable[[], bool] = lambda: True) -> int:
    """Delete events older than the retention and return their number; it stops early when `go_on` returns False."""
    kept = retention()
    if kept is None:
        return 0
    pruned, before = 0, timezone.now() - kept
    while go_on() and (ids := _older(before)):
        old: models.QuerySet[AuditEvent] = models.QuerySet(AuditEvent).filter(
            pk__in=ids
        )  # the log's own queries refuse to delete
        with transaction.atomic():
            pruned += old._raw_delete(connection.alias)
    return pruned


def _older(before: datetime) -> list[uuid.UUID]:
    return list(AuditEvent.objects.filter(at__lt=before).values_list("pk", flat=True)[:PRUNED_AT_ONCE])


def _organisation_id(team: Team | None, organisation: Organisation | None, account: User | None) -> Any:
    if team is not None:
        return team.organisation_id
    if organisation is not None:
        return organisation.pk
    if account is None:
        return None
    # Not every organisation of theirs: an owner could pull a stranger in and read where they sign in from.
    joined = OrganisationMembership.objects.filter(user=account).order_by("pk")
    return joined.values_list("organisation_id", flat=True).first()


def _name_of(target: models.Model) -> str:
    for attribute in ("name", "flow_name", "email"):
        if text := getattr(target, attribute, ""):
            return str(text)
    return str(target)


def _clean(text: str, longest: int) -> str:
    """Return the text as every database can store it: no NUL, no lone surrogates."""
    return text.replace("\0", "\u2400").encode("utf-8", "backslashreplace").decode()[:longest]


def _cleaned(value: Any) -> Any:
    match value:
        case Mapping():
            return {_clean(str(key), LONGEST_NAME): _cleaned(child) for key, child in value.items()}
        case list() | tuple() | set():
            return [_cleaned(child) for child in value]
        case None | bool() | int() | float():
            return value
    return _clean(str(value), LONGEST_TEXT)
