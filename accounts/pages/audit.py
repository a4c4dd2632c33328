"""The page of the audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.api.base import milliseconds
from accounts.api.filters import AuditFilter
from accounts.audit.doors import Door
from accounts.models import AuditEvent
from accounts.pages.current_team import current_team
from accounts.pages.lists import page_of

SINCE = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
#: What the form asks for; the API takes the same names.
FIELDS = ("user", "action", "objectType", "objectId", "door")


@require_safe
@login_required
@never_cache
def audit_page(request: HttpRequest) -> HttpResponse:
    """Show the events that the user may read, newest first; filters that make no sense count as not given."""
    wanted = {name: request.GET.get(name, "").strip() for name in FIELDS}
    query: dict[str, Any] = {name: value for name, value in wanted.items() if value}
    since = request.GET.get("since", "")
    if since in SINCE:
        query["since"] = milliseconds(timezone.now() - SINCE[since])
    if (team := current_team(request)) is not None:
        query["teamId"] = str(team.pk)
    found = AuditFilter(query, AuditEvent.objects.visible_to(request.user))
    events = found.qs if found.is_valid() else AuditEvent.objects.none()
    context = {
        "section": "audit",
        "page": page_of(request, events),
        "wanted": wanted,
        "since": since,
        "since_choices": SINCE,
        "doors": list(Door),
        "narrowed": any(wanted.values()) or since in SINCE,
        "export": urlencode(query),
    }
    return render(request, "accounts/audit.html", context)
