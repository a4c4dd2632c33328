"""The effective limits of an organisation: its own limits, and the installation's (settings) for the others.

They are read for every step and every run, so a process caches them for CACHE_SECONDS: a change works everywhere
after that time at the latest, and at once in the process that made it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.signals import setting_changed
from django.db.models.signals import post_delete, post_save

from accounts.models import Organisation, Team
from resources.limits.models import OrganisationLimits, entries_of

CACHE_SECONDS = 5.0
_MOST_KEPT = 10_000


def _from(setting: str) -> Any:
    return field(metadata={"setting": setting})


@dataclass(frozen=True)
class Limits:
    """What an organisation may use; the settings named here are the installation's defaults."""

    request_bytes: int = _from("MAX_REQUEST_BYTES")
    steps_per_flow: int = _from("MAX_STEPS_PER_FLOW")
    response_bytes: int = _from("MAX_RESPONSE_BYTES")
    rows: int = _from("MAX_ROWS")
    messages: int = _from("MAX_MESSAGES")
    pattern_length: int = _from("MAX_PATTERN_LENGTH")
    execution_seconds: int = _from("MAX_EXECUTION_SECONDS")
    concurrent_executions: int = _from("MAX_CONCURRENT_EXECUTIONS")
    waiting_executions: int = _from("MAX_WAITING_EXECUTIONS")
    runs_per_minute: int = _from("MAX_RUNS_PER_MINUTE")
    web_sockets: int = _from("MAX_WEB_SOCKETS")
    resource_checks: int = _from("MAX_RESOURCE_CHECKS")

    def to_json(self) -> dict[str, int]:
        """Return the numbers by their names."""
        return asdict(self)


SETTINGS: dict[str, str] = {each.name: each.metadata["setting"] for each in fields(Limits)}


def installation_limits() -> Limits:
    """Return what the installation gives to all."""
    return Limits(**{name: getattr(settings, setting) for name, setting in SETTINGS.items()})


@dataclass(frozen=True)
class Grant:
    """What is known about an organisation: its own limits, and where its flows may connect to."""

    organisation_id: UUID
    own: tuple[tuple[str, int], ...] = ()
    network_allowed: tuple[str, ...] = ()

    @cached_property
    def limits(self) -> Limits:
        """The effective limits; no request may be larger than the installation's own limit."""
        whole = replace(installation_limits(), **dict(self.own))
        return replace(whole, request_bytes=min(whole.request_bytes, settings.MAX_REQUEST_BYTES))


_kept: OrderedDict[UUID, tuple[float, Grant]] = OrderedDict()
_sizes: OrderedDict[UUID, tuple[float, list[int | None]]] = OrderedDict()


def grant_of_team(team_id: UUID) -> Grant:
    """Return what the team's organisation may use."""
    known = _kept.get(team_id)
    if known is not None and time.monotonic() < known[0]:
        return known[1]
    team = Team.objects.select_related("organisation__limits").get(pk=team_id)
    grant = _grant(team.organisation)
    _kept[team_id] = (time.monotonic() + CACHE_SECONDS, grant)
    while len(_kept) > _MOST_KEPT:
        _kept.popitem(last=False)
    return grant


def limits_of_team(team_id: UUID) -> Limits:
    """Return the limits of the team's organisation."""
    return grant_of_team(team_id).limits


def grant_of(organisation: Organisation) -> Grant:
    """Return what the organisation may use, read now."""
    return _grant(Organisation.objects.select_related("limits").get(pk=organisation.pk))


def check_request_size(size: int, request: Any) -> None:
    """Raise RequestDataTooBig if none of the user's organisations may send requests of this size.

    Only the body says which organisation a request is for. `request` is REST framework's. Its own `user` is not used
    here, since the CSRF check of a session reads the body to find it.
    """
    if request is None:
        return
    user = vars(request).get("_user") or getattr(request._request, "user", None)
    if size > _request_bytes_of(user):
        raise RequestDataTooBig


def _request_bytes_of(user: Any) -> int:
    if user is None or user.is_anonymous:
        return int(settings.MAX_REQUEST_BYTES)
    known = _sizes.get(user.pk)
    if known is None or time.monotonic() >= known[0]:
        own = Organisation.objects.visible_to(user).values_list("limits__request_bytes", flat=True)
        known = _sizes[user.pk] = (time.monotonic() + CACHE_SECONDS, list(own))
        while len(_sizes) > _MOST_KEPT:
            _sizes.popitem(last=False)
    usual = int(settings.MAX_REQUEST_BYTES)
    return max((min(each or usual, usual) for each in known[1]), default=usual)


def _grant(organisation: Organisation) -> Grant:
    row: OrganisationLimits | None = getattr(organisation, "limits", None)
    if row is None:
        return Grant(organisation.pk)
    own = tuple((name, value) for name in SETTINGS if (value := getattr(row, name)) is not None)
    return Grant(organisation.pk, own, tuple(entries_of(row.network_allowed)))


def forget(**_: Any) -> None:
    """Read anew from now on."""
    _kept.clear()
    _sizes.clear()


for _changed in (post_save, post_delete):
    _changed.connect(forget, sender=OrganisationLimits)
setting_changed.connect(forget)
