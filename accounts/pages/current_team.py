"""The team that a browser's session looks at: lists show its things, and what is made begins there.

None stands for all teams of the user. It narrows what is shown; what may be seen is for `visible_to` to say.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_required
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.models import Team

SESSION_KEY = "team"

ModelT = TypeVar("ModelT", bound=Model)


def own_teams(request: HttpRequest) -> list[Team]:
    """Return the user's teams with their organisations, read once a request."""
    found: list[Team] | None = getattr(request, "_own_teams", None)
    if found is None:
        teams = Team.objects.visible_to(request.user).select_related("organisation")
        found = list(teams.order_by("organisation__name", "name"))
        request._own_teams = found  # type: ignore[attr-defined]  # kept beside the request's user
    return found


def current_team(request: HttpRequest) -> Team | None:
    """Return the chosen team; None for all, also where the user has left the chosen one."""
    chosen = request.session.get(SESSION_KEY)
    if not chosen:
        return None
    return next((team for team in own_teams(request) if str(team.pk) == chosen), None)


def in_current_team(request: HttpRequest, rows: QuerySet[ModelT]) -> QuerySet[ModelT]:
    """Return those of the rows that belong to the chosen team; all where none is chosen."""
    team = current_team(request)
    return rows if team is None else rows.filter(team=team)


def current_first(request: HttpRequest, teams: Iterable[Team]) -> list[Team]:
    """Return the teams with the chosen one in front: forms take the first unless told otherwise."""
    team = current_team(request)
    return sorted(teams, key=lambda each: each != team)


def context(request: HttpRequest) -> dict[str, Any]:
    """Give templates `own_teams` and `current_team` (falsy for all); read only where they are shown."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {
        "own_teams": SimpleLazyObject(lambda: own_teams(request)),
        "current_team": SimpleLazyObject(lambda: current_team(request)),
    }


@require_POST
@login_required
def switch_team(request: HttpRequest) -> HttpResponse:
    """Choose a team, or with an empty `team` all of them, and go back to `next`; a stranger's team is 404."""
    chosen = request.POST.get("team", "")
    if chosen:
        team = get_object_or_404(Team.objects.visible_to(request.user), pk=_uuid(chosen))
        request.session[SESSION_KEY] = str(team.pk)
    else:
        request.session.pop(SESSION_KEY, None)
    following = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(following, {request.get_host()}, request.is_secure()):
        following = "executions"
    return redirect(following)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
