"""What the editor asks for about one step: its form, an edit of a field, a new step, a run of it alone."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST

from accounts.models import Team
from accounts.permissions import Action, may
from flows.editing.edits import CannotEdit
from flows.editing.step_inserts import alone, insert_step
from flows.editing.step_places import StepPlace, step_at, step_places
from flows.models import Flow
from flows.pages.editor import check_alone_json, exact_answer
from flows.pages.step_form import StepForm, edited, form_of
from flows.problems import FlowInvalid, Place
from flows.selectors import known_resources
from resources.models import Resource
from resources.selectors import is_id
from steprunners.registry import runners

MAX_FLOWS_OFFERED = 200


@require_POST
@login_required
def step_form(request: HttpRequest) -> JsonResponse:
    """Give the form of the step at `?line=` of the text in the body."""
    team, _ = _scope(request)
    text = request.body.decode("utf-8", "replace")
    try:
        found = step_at(step_places(text), _line(request))
    except FlowInvalid:
        return JsonResponse({"readable": False, "shape": None, "html": ""})
    form = form_of(found) if found else None
    context = {"form": form, "may_edit": may(request.user, Action.EDIT, team), **_offers(team, form)}
    return JsonResponse(
        {
            "readable": True,
            "shape": form.shape if form else None,
            "html": render_to_string("flows/step_form.html", context, request=request),
        }
    )


def _offers(team: Team, form: StepForm | None) -> dict[str, Any]:
    """Return what the fields of the step can be chosen from: resources of its type, flows."""
    if form is None or form.runner is None:
        return {}
    kind = form.runner.resource_type
    names = [name for name, each in known_resources(team).items() if each == kind and not is_id(name)]
    needs_flow = any(each.field.name == "flowId" for each in form.meta)
    flows = Flow.objects.filter(team=team).alive().order_by("name") if needs_flow else Flow.objects.none()
    return {
        "resources": sorted(names),
        "resource_type": kind,
        "flows": flows.values("id", "name")[:MAX_FLOWS_OFFERED],
    }


@require_POST
@login_required
def step_edit(request: HttpRequest) -> JsonResponse:
    """Put what was typed into a field of a step into the text: body `{text, place, typed}`, answer `{text}`."""
    _scope(request)
    body = _body(request)
    place = tuple(
        int(part) if part.isdecimal() and len(part) < 9 else part for part in body["place"].split(".")
    )
    try:
        step, below = _step_of(body["text"], place)
        return JsonResponse({"text": edited(body["text"], step, below, body["typed"])})
    except (CannotEdit, FlowInvalid) as error:
        return _refused(str(error))


def _step_of(text: str, place: Place) -> tuple[StepPlace, Place]:
    """Return the innermost step on the way to the place, and what remains; raise CannotEdit where there is none."""
    for each in reversed(step_places(text)):
        if place[: len(each.place)] == each.place and len(place) > len(each.place):
            return each, place[len(each.place) :]
    raise CannotEdit("this step no longer exists")


@require_POST
@login_required
def step_insert(request: HttpRequest) -> JsonResponse:
    """Insert an example of a step type after the step at `?line=`: body `{text, type}`, answer `{text, line}`."""
    team, _ = _scope(request)
    body = _body(request, "text", "type")
    runner = runners().get(body["type"])
    if runner is None:
        raise Http404
    resource = Resource.objects.filter(team=team, type=runner.resource_type or "").order_by("name").first()
    try:
        text, line = insert_step(body["text"], runner, _line(request), resource.name if resource else None)
    except (CannotEdit, FlowInvalid) as error:
        return _refused(str(error))
    return JsonResponse({"text": text, "line": line})


@require_POST
@login_required
def step_alone(request: HttpRequest) -> HttpResponse:
    """Give what a run of the step at `?line=` alone needs: as `flows/check` does, and the step's name."""
    team, flow = _scope(request)
    try:
        found = alone(request.body.decode("utf-8", "replace"), _line(request))
    except FlowInvalid as error:
        return _refused(str(error))
    if found is None:
        return _refused("the cursor is not in a step")
    name, document = found
    return exact_answer({"name": name, **check_alone_json(team, document, flow=flow)})


def _scope(request: HttpRequest) -> tuple[Team, Flow | None]:
    """Return the team whose names count, and its flow: `?flow=` or `?team=` says which; a stranger's is 404."""
    flow_id, team_id = _id(request, "flow"), _id(request, "team")
    if flow_id:
        flows = Flow.objects.visible_to(request.user).alive().select_related("team")
        flow = get_object_or_404(flows, pk=flow_id)
        return flow.team, flow
    return get_object_or_404(Team.objects.visible_to(request.user), pk=team_id), None


def _id(request: HttpRequest, key: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.GET[key]) if request.GET.get(key) else None
    except ValueError as error:
        raise Http404 from error


def _line(request: HttpRequest) -> int:
    line = request.GET.get("line", "")
    return int(line) if line.isascii() and line.isdecimal() and len(line) < 9 else 1


def _body(request: HttpRequest, *keys: str) -> dict[str, str]:
    """Return the texts in the body; what is no object of these texts is of none of our pages: 404."""
    wanted = keys or ("text", "place", "typed")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Http404 from error
    if not isinstance(body, dict) or not all(isinstance(body.get(key), str) for key in wanted):
        raise Http404
    return {key: body[key].encode("utf-8", "replace").decode() for key in wanted}


def _refused(message: str) -> JsonResponse:
    return JsonResponse({"errors": [{"code": "cannot_edit", "detail": message, "attr": None}]}, status=422)
