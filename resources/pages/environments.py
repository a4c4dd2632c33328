"""Pages of environments: the list, and one with the rows of its variables and resource choices."""

from __future__ import annotations

import uuid
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
from resources.configuration import Invalid
from resources.models import Environment, Resource
from resources.pages.access import check_names, editable_teams, signed_in, team_to_edit
from resources.pages.environment_form import (
    TYPES,
    ChoiceRow,
    VariableRow,
    choices_json,
    rows_of,
    sent_rows,
    tell,
)
from resources.secret_warnings import readable_secrets, tell_warnings
from steprunners.documents.problems import Problem


def _visible(request: HttpRequest) -> QuerySet[Environment]:
    return Environment.objects.visible_to(request.user).select_related("team")


@require_safe
@login_required
@never_cache
def environments(request: HttpRequest) -> HttpResponse:
    """Show the environments; htmx gets the part that changes."""
    search = asked_for(request)
    found = in_current_team(request, _visible(request)).defer("secrets")
    if search:
        found = found.filter(Q(name__icontains=search) | Q(description__icontains=search))
    context = {
        "section": "environments",
        "search": search,
        "page": page_of(request, found.order_by("name", "id")),
        "has_teams": current_team(request) is None and len(own_teams(request)) > 1,
        "may_add": bool(Team.objects.ids_permitting(request.user, Action.EDIT_RESOURCES)),
    }
    return render_list(request, "environments", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new_environment(request: HttpRequest) -> HttpResponse:
    """Ask for what an environment holds; POST makes it."""
    teams = editable_teams(request)
    if request.method == "POST":
        return _saved(request, None, team_to_edit(request, request.POST.get("team", "")))
    wanted = request.GET.get("team", "")
    team = next((each for each in teams if str(each.pk) == wanted), teams[0] if teams else None)
    return _form(request, None, team, rows_of(None), teams=teams, may_edit=bool(teams))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def environment(request: HttpRequest, environment_id: uuid.UUID) -> HttpResponse:
    """Show an environment and its form; POST saves."""
    found = get_object_or_404(_visible(request), pk=environment_id)
    if request.method == "POST":
        return _saved(request, found, team_to_edit(request, str(found.team_id)))
    tell_warnings(request, found)
    may_edit = may(request.user, Action.EDIT_RESOURCES, found.team)
    return _form(request, found, found.team, rows_of(found), may_edit=may_edit)


def _form(
    request: HttpRequest,
    found: Environment | None,
    team: Team | None,
    rows: tuple[list[VariableRow], list[ChoiceRow]],
    *,
    problems: tuple[Problem, ...] = (),
    **more: Any,
) -> HttpResponse:
    variables, choices = rows
    kept = set(readable_secrets(found) if found else {})
    for row in variables:
        row.was = row.was if row.was in kept else ""  # what a form says is kept need not be
    sent = request.POST if request.method == "POST" else None
    context = {
        "section": "environments",
        "environment": found,
        "name": sent.get("name", "") if sent is not None else found.name if found else "",
        "description": sent.get("description", "")
        if sent is not None
        else found.description
        if found
        else "",
        "team": team,
        "types": TYPES,
        "resources": Resource.objects.filter(team=team).only("name", "type") if team else [],
        "others": tell(problems, variables, choices),
        "name_problem": next((each.message for each in problems if each.place == "name"), ""),
        "variables": variables,
        "choices": choices,
        "empty_variable": VariableRow(),
        "empty_choice": ChoiceRow(),
        **more,
    }
    return render(request, "environments/environment.html", context, status=422 if problems else 200)


def _saved(request: HttpRequest, found: Environment | None, team: Team) -> HttpResponse:
    variables, choices = sent_rows(request.POST)
    name = request.POST.get("name", "").strip()
    description = request.POST.get("description", "").replace("\x00", "").replace("\r\n", "\n")
    resources, row_problems = choices_json(choices)
    try:
        if row_problems:
            raise Invalid(row_problems)
        check_names({"name": name})
        saved = services.save_environment(
            environment=found,
            team=team,
            user=signed_in(request),
            name=name,
            description=description,
            variables=[row.to_json() for row in variables],
            resources=resources,
        )
    except Invalid as error:
        again = _visible(request).get(pk=found.pk) if found else None  # without what could not be saved
        teams = [] if found else editable_teams(request)
        rows = (variables, choices)
        return _form(request, again, team, rows, may_edit=True, teams=teams, problems=tuple(error.problems))
    messages.success(request, f"{saved.name} was saved.")
    return redirect("environment", saved.pk)


@require_POST
@login_required
def delete(request: HttpRequest, environment_id: uuid.UUID) -> HttpResponse:
    """Delete the environment."""
    found = get_object_or_404(_visible(request), pk=environment_id)
    team_to_edit(request, str(found.team_id))
    services.delete_environment(environment=found)
    messages.success(request, f"{found.name} was deleted.")
    return redirect("environments")
