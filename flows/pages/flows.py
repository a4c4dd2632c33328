"""Pages of flows: the list, one flow with its editor and versions, and a new flow."""

from __future__ import annotations

import difflib
import json
import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Team, User
from accounts.pages.current_team import current_first, in_current_team, own_teams
from accounts.pages.lists import asked_for, page_of, render_list
from accounts.permissions import Action, may
from flows.editing.source_text import keepable, text_of, texts_to_compare
from flows.models import Flow, FlowVersion
from flows.pages.editor import check_json, check_text, exact_answer, problems_json
from flows.pages.starters import starter_text
from flows.problems import FlowInvalid
from flows.selectors import load_document
from flows.services import StaleVersion, create_flow, save_version
from resources.models import Environment
from steprunners.registry import step_types

MOST_VERSIONS = 200


def _visible_flows(request: HttpRequest) -> QuerySet[Flow]:
    return Flow.objects.visible_to(request.user).alive().select_related("team")


def _find(request: HttpRequest, flow_id: uuid.UUID) -> Flow:
    return get_object_or_404(_visible_flows(request), pk=flow_id)


@require_safe
@login_required
@never_cache
def flows(request: HttpRequest) -> HttpResponse:
    """Show the flows; htmx gets the part that changes."""
    search, label = asked_for(request), asked_for(request, "label")
    found = in_current_team(request, _visible_flows(request))
    if search:
        found = found.filter(Q(name__icontains=search) | Q(description__icontains=search))
    if label:
        found = found.filter(labels__contains=json.dumps(label))  # stored as ASCII JSON text
    context = {
        "section": "flows",
        "search": search,
        "label": label,
        "page": page_of(request, found.order_by("-updated_at", "-id")),
        "runnable_teams": Team.objects.ids_permitting(request.user, Action.RUN),
    }
    return render_list(request, "flows", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new_flow(request: HttpRequest) -> HttpResponse:
    """Show the editor for a new flow; POST saves its text as version 1."""
    editable = Team.objects.ids_permitting(request.user, Action.EDIT)
    teams = current_first(request, (team for team in own_teams(request) if team.pk in editable))
    if request.method == "POST":
        team = _editable_team(request, request.GET.get("team", ""))
        return _saved(request, team, None)
    start = request.GET.get("from", "")
    context = {
        "section": "flows",
        "teams": teams,
        "text": starter_text(start),
        "start": start,
        "may_edit": bool(teams),
        "step_types": step_types(),
        "data": _editor_data(None, teams[0] if teams else None, []),
    }
    return render(request, "flows/flow.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def flow(request: HttpRequest, flow_id: uuid.UUID) -> HttpResponse:
    """Show one flow, its newest version or `?version=n`; POST saves the text as the next version."""
    found = _find(request, flow_id)
    if request.method == "POST":
        return _saved(request, _editable_team(request, str(found.team_id)), found)
    shown = _version(found, request.GET.get("version", ""))
    document = load_document(shown)
    context = {
        "section": "flows",
        "flow": found,
        "shown": shown,
        "versions": found.versions.select_related("created_by").defer("document", "secrets")[:MOST_VERSIONS],
        "text": text_of(shown),
        "may_edit": may(request.user, Action.EDIT, found.team),
        "step_types": step_types(),
        "may_run": may(request.user, Action.RUN, found.team),
        "data": _editor_data(found, found.team, document.to_json()["variables"], shown.number),
    }
    return render(request, "flows/flow.html", context)


def _version(found: Flow, wanted: str) -> FlowVersion:
    number = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 9 else found.version
    return get_object_or_404(found.versions, number=number)


def _editor_data(
    found: Flow | None, team: Team | None, variables: Any, version: int | None = None
) -> dict[str, Any]:
    environments = Environment.objects.filter(team=team).values("id", "name") if team else []
    return {
        "flowId": str(found.id) if found else None,
        "teamId": str(team.id) if team else None,
        "version": version,
        "newest": found.version if found else None,
        "variables": variables,
        "environments": [{"id": str(each["id"]), "name": each["name"]} for each in environments],
        "urls": {
            "check": reverse("flow-check"),
            "stepForm": reverse("flow-step-form"),
            "stepEdit": reverse("flow-step-edit"),
            "stepInsert": reverse("flow-step-insert"),
            "stepAlone": reverse("flow-step-alone"),
            "save": reverse("flow", args=[found.id]) if found else reverse("flow-new"),
        },
    }


def _editable_team(request: HttpRequest, team_id: str) -> Team:
    """Return the team of that id; a stranger's is 404, as is one where the user may not edit."""
    try:
        wanted = uuid.UUID(team_id)
    except ValueError as error:
        raise Http404 from error
    team = get_object_or_404(Team.objects.visible_to(request.user), pk=wanted)
    if not may(request.user, Action.EDIT, team):
        raise Http404
    return team


def _saved(request: HttpRequest, team: Team, found: Flow | None) -> JsonResponse:
    """Save the text in the body; 422 with the problems, 409 where somebody else was quicker."""
    text = request.body.decode("utf-8", "replace")
    user = request.user if isinstance(request.user, User) else None
    try:
        document = check_text(team, text, flow=found)
        if found is None:
            found = create_flow(team=team, user=user, document=document, source=keepable(text, document))
            return JsonResponse(
                {"id": str(found.id), "version": 1, "url": reverse("flow", args=[found.id])}, status=201
            )
        base = request.GET.get("baseVersion", "")
        version = save_version(
            flow=found,
            user=user,
            document=document,
            base_version=int(base[:9]) if base.isdecimal() else None,  # no flow has so many versions
            source=keepable(text, document),
        )
    except FlowInvalid as error:
        return JsonResponse({"errors": problems_json(text, error.problems)}, status=422)
    except StaleVersion as error:
        return JsonResponse(
            {
                "current": error.current,
                "errors": [{"code": "stale_version", "detail": str(error), "attr": None}],
            },
            status=409,
        )
    return JsonResponse(
        {"id": str(found.id), "version": version.number, "url": reverse("flow", args=[found.id])}
    )


@require_POST
@login_required
def check(request: HttpRequest) -> HttpResponse:
    """Check the text in the body as the user types; `?flow=` or `?team=` says whose names count."""
    flow_id = request.GET.get("flow", "")
    try:
        found = _find(request, uuid.UUID(flow_id)) if flow_id else None
    except ValueError as error:
        raise Http404 from error
    team = found.team if found else _editable_team(request, request.GET.get("team", ""))
    return exact_answer(check_json(team, request.body.decode("utf-8", "replace"), flow=found))


@require_safe
@login_required
@never_cache
def run_form(request: HttpRequest, flow_id: uuid.UUID) -> HttpResponse:
    """Give what the run dialog asks for: variables of the newest version, and environments."""
    found = _find(request, flow_id)
    variables = load_document(found.versions.get(number=found.version)).to_json()["variables"]
    return exact_answer({"name": found.name, **_editor_data(found, found.team, variables, found.version)})


@require_safe
@login_required
@never_cache
def difference(request: HttpRequest, flow_id: uuid.UUID) -> JsonResponse:
    """Give the lines that differ between versions `from` and `to`, as a unified diff of their YAML."""
    found = _find(request, flow_id)
    old, new = (_version(found, request.GET.get(side, "")) for side in ("from", "to"))
    before, after = (text.splitlines() for text in texts_to_compare(old, new))
    lines = difflib.unified_diff(
        before, after, f"version {old.number}", f"version {new.number}", lineterm="", n=4
    )
    return JsonResponse({"lines": list(lines)})
