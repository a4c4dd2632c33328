"""What the views of executions share: looking up what the user may see, and showing it."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from accounts.api.base import require
from accounts.permissions import Action
from executions.models import Execution, ExecutionStep
from executions.presentation import execution_json
from executions.selectors.executions import executions_to_show, snapshot
from executions.states import Source


def visible_execution(request: Request, pk: Any) -> Execution:
    """Return the execution for showing. Raises Http404 if the user may not see it."""
    return get_object_or_404(executions_to_show(request.user), pk=pk)


def execution_to_use(request: Request, pk: Any, action: Action) -> Execution:
    """Return the whole execution. Raises Http404 if the user may not see it, PermissionDenied for too low a role."""
    execution = get_object_or_404(
        Execution.objects.visible_to(request.user).select_related("team", "flow", "version", "environment"),
        pk=pk,
    )
    require(request.user, action, execution.team)
    return execution


def with_steps(execution: Execution) -> tuple[Execution, list[ExecutionStep]]:
    """Return the execution as it is now, with its steps. Raises Http404 if it was deleted meanwhile."""
    found = snapshot(execution)
    if found is None:
        raise Http404
    return found


def shown(execution: Execution) -> dict[str, Any]:
    """Return the execution with its steps, as the API shows it."""
    return execution_json(*with_steps(execution))


def source_of(request: Request) -> str:
    """Return PAGE for a request with a browser session, API for any other."""
    by_session = isinstance(request.successful_authenticator, SessionAuthentication)
    return Source.PAGE if by_session else Source.API
