"""Pages of runs: the list, one run, and the recent outcomes that other pages show."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.pages.current_team import current_team, own_teams
from accounts.permissions import Action, may
from accounts.services.retention import results_days
from executions.models import Execution
from executions.pages import run_list
from executions.pages.curl import curl_of
from executions.pages.run_page import activity, failures_of, page_data
from executions.presentation import milliseconds
from executions.states import ExecutionStatus
from steprunners.errors import StepError

STEPS_WITHOUT_SCRIPT = 300
MOST_FLOWS = 100
OUTCOMES_OF_A_FLOW = 20


@require_safe
@login_required
@never_cache
def executions(request: HttpRequest) -> HttpResponse:
    """Show the run list; htmx and the live refresh get only the part that changes."""
    filters = run_list.Filters.from_query(request.GET.dict())
    team = current_team(request)
    runs = filters.apply(run_list.visible_runs(request.user, team), request.user)
    rows, next_cursor = run_list.list_runs(runs, filters.cursor)
    context = {
        "section": "runs",
        "filters": filters,
        "statuses": ExecutionStatus.values,
        "since_choices": run_list.SINCE,
        "rows": rows,
        "outcomes": run_list.recent_outcomes(runs),
        "next_url": _with_cursor(request, next_cursor),
        "newest_url": _with_cursor(request, ""),
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "executions/list_part.html", context)
    teams = own_teams(request) if team is None else [team]
    return render(request, "executions/list.html", {**context, "team_ids": [str(each.id) for each in teams]})


def _with_cursor(request: HttpRequest, cursor: str) -> str:
    query = request.GET.copy()
    query.pop("cursor", None)
    if cursor:
        query["cursor"] = cursor
    return f"?{query.urlencode()}"


@require_safe
@login_required
@never_cache
def execution(request: HttpRequest, execution_id: uuid.UUID) -> HttpResponse:
    """Show one run; its script continues with the JSON in the page."""
    run = _find(request, execution_id)
    data = page_data(run, may_run=may(request.user, Action.RUN, run.team))
    context = {
        "section": "runs",
        "run": run,
        "data": data,
        "steps": data["steps"][:STEPS_WITHOUT_SCRIPT],
        "more_steps": max(0, len(data["steps"]) - STEPS_WITHOUT_SCRIPT),
        "failures": failures_of(data["steps"], run.error),
        "may_run": data["mayRun"],
        "results_days": results_days(run.team),
        "started_ms": milliseconds(run.started_at or run.created_at),
    }
    return render(request, "executions/run.html", context)


@require_safe
@login_required
@never_cache
def execution_activity(request: HttpRequest, execution_id: uuid.UUID) -> JsonResponse:
    """Return the attempts and child executions of one run as JSON; the page loads them when they change."""
    return JsonResponse(activity(_find(request, execution_id)))


@require_safe
@login_required
@never_cache
def step_as_curl(request: HttpRequest, execution_id: uuid.UUID, step_id: uuid.UUID) -> JsonResponse:
    """Return an http step as a curl command, `{command}`; its secrets are masked. 422 where it sent nothing."""
    run = _find(request, execution_id)
    try:
        return JsonResponse({"command": curl_of(run, get_object_or_404(run.steps, pk=step_id))})
    except StepError as error:
        told = {"code": error.code, "detail": f"There is no command: {error}", "attr": None}
        return JsonResponse({"errors": [told]}, status=422)


@require_safe
@login_required
@never_cache
def flow_outcomes(request: HttpRequest) -> HttpResponse:
    """Return the last outcomes of the flows in `?flow=…&flow=…`, as parts that htmx swaps in."""
    wanted = [flow for text in request.GET.getlist("flow")[:MOST_FLOWS] if (flow := run_list.as_uuid(text))]
    runs = run_list.visible_runs(request.user)
    shown = [
        {
            "id": flow,
            "outcomes": run_list.recent_outcomes(runs.filter(flow_id=flow), limit=OUTCOMES_OF_A_FLOW),
        }
        for flow in wanted
    ]
    return render(request, "executions/flow_outcomes.html", {"flows": shown})


def _find(request: HttpRequest, execution_id: uuid.UUID) -> Execution:
    runs = Execution.objects.visible_to(request.user).select_related("team", "user", "environment", "flow")
    return get_object_or_404(runs, pk=execution_id)
