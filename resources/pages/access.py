"""What the pages of resources and environments share: who may change what, and the fields that both have."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.http import Http404, HttpRequest, QueryDict
from django.shortcuts import get_object_or_404

from accounts.models import Team, User
from accounts.pages.current_team import current_first, own_teams
from accounts.permissions import Action, may
from resources.configuration import Invalid
from resources.models import Resource
from steprunners.documents.problems import Problem

#: The fields of a resource outside its config, by their names in the model and on the wire.
NAMES = {"name": "name", "group_name": "groupName", "namespace": "namespace"}
MAX_NAME = 150


def editable_teams(request: HttpRequest) -> list[Team]:
    """Return the teams in which the user may change things, the chosen one first."""
    wanted = Team.objects.ids_permitting(request.user, Action.EDIT_RESOURCES)
    return current_first(request, (team for team in own_teams(request) if team.pk in wanted))


def team_to_edit(request: HttpRequest, team_id: str, action: Action = Action.EDIT_RESOURCES) -> Team:
    """Return the team of that id; a stranger's is 404, as is one where the user may not do that."""
    try:
        wanted = uuid.UUID(team_id)
    except ValueError as error:
        raise Http404 from error
    team = get_object_or_404(Team.objects.visible_to(request.user), pk=wanted)
    if not may(request.user, action, team):
        raise Http404
    return team


def signed_in(request: HttpRequest) -> User | None:
    """Return the user for `created_by`."""
    return request.user if isinstance(request.user, User) else None


def named_fields(found: Resource | None, sent: QueryDict | None) -> dict[str, str]:
    """Return name, group and namespace: as sent, else as saved."""
    if sent is not None:
        return {name: sent.get(wire, "").strip() for name, wire in NAMES.items()}
    return {name: getattr(found, name) if found else "" for name in NAMES}


def name_problems(problems: Iterable[Problem]) -> dict[str, str]:
    """Return what is wrong with each of them."""
    return {name: each.message for each in problems for name, wire in NAMES.items() if each.place == wire}


def check_names(texts: dict[str, str]) -> None:
    """Raise Invalid where the columns cannot hold what was sent as name, group or namespace."""
    problems = [] if texts["name"] else [Problem("name", "required", "enter a name")]
    for name, text in texts.items():
        place = NAMES.get(name, name)
        if len(text) > MAX_NAME:
            problems.append(Problem(place, "max_length", f"at most {MAX_NAME} characters"))
        if "\x00" in text:
            problems.append(Problem(place, "null_characters", "must not contain NUL characters"))
    if problems:
        raise Invalid(problems)
