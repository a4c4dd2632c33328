"""Pages of resources: the list, one resource with its form, a new one; checking and deleting."""

from __future__ import annotations

import inspect
import uuid
from collections import defaultdict
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Team
from accounts.pages.current_team import current_team, in_current_team, own_teams
from accounts.pages.lists import asked_for, page_of, render_list
from accounts.permissions import Action, may
from resources import services
from resources.configuration import Invalid, masked
from resources.connection_checks.places import TooManyChecks
from resources.models import Resource
from resources.pages.access import (
    NAMES,
    check_names,
    editable_teams,
    name_problems,
    named_fields,
    signed_in,
    team_to_edit,
)
from resources.pages.config_form import bound_fields, config_of, shown_places, texts_of
from resources.secret_warnings import readable_secrets, tell_warnings
from resources.secrets.entries import is_entry
from resources.usage import Use, uses_of
from steprunners.documents.form_fields import form_fields
from steprunners.documents.problems import Problem
from steprunners.json_types import Json
from steprunners.registry import connection_classes


def _visible(request: HttpRequest) -> QuerySet[Resource]:
    return Resource.objects.visible_to(request.user).select_related("team")


@require_safe
@login_required
@never_cache
def resources(request: HttpRequest) -> HttpResponse:
    """Show the resources with where they are used; htmx gets the part that changes."""
    search = asked_for(request)
    kind = request.GET.get("type", "")
    found = in_current_team(request, _visible(request)).defer("secrets")
    if search:
        found = found.filter(
            Q(name__icontains=search) | Q(group_name__icontains=search) | Q(namespace__icontains=search)
        )
    if kind in connection_classes():
        found = found.filter(type=kind)
    page = page_of(request, found.order_by("group_name", "name", "id"))
    _put_uses(list(page.object_list))
    context = {
        "section": "resources",
        "search": search,
        "type": kind,
        "types": sorted(connection_classes()),
        "page": page,
        "has_teams": current_team(request) is None and len(own_teams(request)) > 1,
        "checkable_teams": Team.objects.ids_permitting(request.user, Action.CHECK),
        "may_add": bool(Team.objects.ids_permitting(request.user, Action.EDIT_RESOURCES)),
    }
    return render_list(request, "resources", context)


def _put_uses(shown: list[Resource]) -> None:
    uses: dict[uuid.UUID, list[Use]] = defaultdict(list)
    for use in uses_of(shown):
        uses[use.resource_id].append(use)
    for each in shown:
        each.uses = uses[each.pk]  # type: ignore[attr-defined]  # for the template alone


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new_resource(request: HttpRequest) -> HttpResponse:
    """Ask for the type, then for what it takes; POST makes the resource."""
    kind = request.GET.get("type", "")
    teams = editable_teams(request)
    if kind not in connection_classes():
        types = [
            {"name": name, "description": inspect.getdoc(model) or ""}
            for name, model in sorted(connection_classes().items())
        ]
        return render(
            request, "resources/types.html", {"section": "resources", "types": types, "may_add": bool(teams)}
        )
    if request.method == "POST":
        return _saved(request, None, team_to_edit(request, request.POST.get("team", "")), kind)
    return _form(request, None, kind, teams=teams, may_edit=bool(teams))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def resource(request: HttpRequest, resource_id: uuid.UUID) -> HttpResponse:
    """Show a resource and its form; POST saves."""
    found = get_object_or_404(_visible(request), pk=resource_id)
    if request.method == "POST":
        return _saved(request, found, team_to_edit(request, str(found.team_id)), found.type)
    tell_warnings(request, found)
    return _form(request, found, found.type, may_edit=may(request.user, Action.EDIT_RESOURCES, found.team))


def _form(
    request: HttpRequest,
    found: Resource | None,
    kind: str,
    *,
    may_edit: bool,
    problems: tuple[Problem, ...] = (),
    **more: Any,
) -> HttpResponse:
    """Show the form, with what was sent where something is wrong with it, else with what is saved."""
    fields = form_fields(connection_classes()[kind])
    sent = request.method == "POST"
    texts = request.POST.dict() if sent else texts_of(fields, _shown(found))
    bound = bound_fields(fields, texts, _set_secrets(found), problems)
    shown = {*shown_places(bound), *NAMES.values()}
    context = {
        "section": "resources",
        "resource": found,
        "type": kind,
        "fields": bound,
        "names": named_fields(found, request.POST if sent else None),
        "name_problems": name_problems(problems),
        "problems": [
            each.message if each.place in ("", "config") else f"{each.place}: {each.message}"
            for each in problems
            if each.place not in shown
        ],
        "uses": uses_of([found]) if found else [],
        "may_edit": may_edit,
        "may_check": bool(found) and may(request.user, Action.CHECK, found.team) if found else False,
        **more,
    }
    return render(request, "resources/resource.html", context, status=422 if problems else 200)


def _saved(request: HttpRequest, found: Resource | None, team: Team, kind: str) -> HttpResponse:
    fields = form_fields(connection_classes()[kind])
    config = config_of(fields, request.POST.dict(), _set_secrets(found))
    names = named_fields(None, request.POST)
    try:
        check_names(names)
        saved = services.save_resource(
            resource=found,
            team=team,
            user=signed_in(request),
            config=config,
            type=kind,
            **names,
        )
    except Invalid as error:
        teams = [] if found else editable_teams(request)
        again = _visible(request).get(pk=found.pk) if found else None  # without what could not be saved
        return _form(request, again, kind, may_edit=True, problems=tuple(error.problems), teams=teams)
    messages.success(request, f"{saved.name} was saved.")
    return redirect("resource", saved.pk)


def _set_secrets(found: Resource | None) -> frozenset[str]:
    """Return the names of the secret fields that are set; entries of objects stand in their object's field."""
    kept = readable_secrets(found) if found else {}
    return frozenset(name for name in kept if not is_entry(name))


def _shown(found: Resource | None) -> dict[str, Json]:
    return masked(found.config, readable_secrets(found)) if found else {}


@require_POST
@login_required
def check(request: HttpRequest, resource_id: uuid.UUID) -> HttpResponse:
    """Connect to the resource, and give the part of the page that says what came of it."""
    found = get_object_or_404(_visible(request), pk=resource_id)
    team_to_edit(request, str(found.team_id), Action.CHECK)
    try:
        services.check_now(resource=found)
    except TooManyChecks as refused:
        context = {"resource": found, "refused": str(refused)}
        response = render(request, "resources/check.html", context, status=429)
        response["Retry-After"] = str(refused.retry_after)
        return response
    found.refresh_from_db(fields=["last_check"])
    return render(request, "resources/check.html", {"resource": found})


@require_POST
@login_required
def delete(request: HttpRequest, resource_id: uuid.UUID) -> HttpResponse:
    """Delete the resource, unless something uses it."""
    found = get_object_or_404(_visible(request), pk=resource_id)
    team_to_edit(request, str(found.team_id))
    try:
        services.delete_resource(resource=found)
    except services.InUse as error:
        messages.error(request, f"{found.name} was not deleted. {error}.")
        return redirect("resource", resource_id)
    messages.success(request, f"{found.name} was deleted.")
    return redirect("resources")
