"""Starts executions: of a saved flow, of a draft, and re-runs."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.base import Conflict, choose_team, require_role, signed_in
from accounts.models import Team
from accounts.permissions import Action
from executions.api.access import execution_to_use, shown, source_of
from executions.api.idempotency import IDEMPOTENCY_KEY, idempotency_of
from executions.api.serializers import (
    ExecutionSerializer,
    RerunSerializer,
    RunFlowSerializer,
    RunRequestSerializer,
    RunSerializer,
)
from executions.models import Execution
from executions.presentation import execution_json
from executions.starting.admission import RunRefused, TooManyRuns
from executions.starting.rerun import rerun
from executions.starting.runnable import find_runnable
from executions.starting.start import KeyReused, start_execution
from flows.api.parsers import InvalidFlow
from flows.documents.document import FlowDocument
from flows.documents.secret_warnings import with_warnings
from flows.models import FlowVersion
from flows.problems import FlowInvalid
from flows.selectors import check_for_team
from resources.models import Environment
from resources.secret_warnings import short_secrets


class TooMany(APIException):
    """The organisation has reached a limit of its runs; `Retry-After` says when to try again."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = TooManyRuns.code

    def __init__(self, refused: TooManyRuns) -> None:
        """Take the message and the time from the refusal."""
        super().__init__(str(refused))
        self.wait = refused.retry_after  # becomes Retry-After


class RunAnything(APIView):
    """Run a saved flow or a draft."""

    @extend_schema(
        operation_id="flows_run",
        request=RunRequestSerializer,
        responses={201: ExecutionSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        """Start the run and return before any step has run. 400 lists every problem with the variables."""
        wanted = _checked(RunSerializer, request)
        if "flow_id" in wanted:
            return _run_flow(request, wanted["flow_id"], wanted)
        team = choose_team(request.user, wanted.get("team_id"), Action.RUN)
        return _start(request, team, wanted, draft=_draft(team, wanted["flow"]))


class RunFlow(APIView):
    """Run a saved flow."""

    @extend_schema(
        operation_id="flow_run",
        request=RunFlowSerializer,
        responses={201: ExecutionSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, pk: Any) -> Response:
        """Start the run and return before any step has run. 400 lists every problem with the variables."""
        wanted = _checked(RunFlowSerializer, request)
        if wanted.get("flow_id", pk) != pk:
            raise ValidationError({"flowId": ["The URL names another flow."]}, "invalid")
        return _run_flow(request, pk, wanted)


class Rerun(APIView):
    """Run an execution again."""

    @extend_schema(
        operation_id="executions_rerun",
        request=RerunSerializer,
        responses={201: ExecutionSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, pk: Any) -> Response:
        """Start a new execution (`rerunOf`), which reuses the results of the steps before the one it begins at."""
        execution = execution_to_use(request, pk, Action.RUN)
        wanted = _checked(RerunSerializer, request)
        key = idempotency_of(request, rerun=execution.pk, **wanted)
        try:
            again = rerun(
                execution=execution, user=signed_in(request), source=source_of(request), **wanted, **key
            )
        except (RunRefused, KeyReused) as refused:
            raise _refusal(refused) from refused
        return _created(again)


def _checked(serializer_class: type[Any], request: Request) -> dict[str, Any]:
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    checked: dict[str, Any] = serializer.validated_data
    return checked


def _run_flow(request: Request, pk: Any, wanted: dict[str, Any]) -> Response:
    number = wanted.get("version")
    found = find_runnable(request.user, pk, number)
    if found is None:
        raise Http404("No Flow matches the given query.")
    require_role(found.role, Action.RUN, found.team)
    if found.version is None:
        raise ValidationError({"version": [f"The flow has no version {number}."]}, "does_not_exist")
    return _start(request, found.team, wanted, version=found.version)


def _draft(team: Team, raw: dict[str, Any]) -> FlowDocument:
    try:
        return check_for_team(team, raw)
    except FlowInvalid as invalid:
        raise InvalidFlow(invalid, prefix="flow") from invalid


def _start(
    request: Request,
    team: Team,
    wanted: dict[str, Any],
    *,
    version: FlowVersion | None = None,
    draft: FlowDocument | None = None,
) -> Response:
    delay = wanted.get("parameters", {}).get("initial_delay", 0)
    key = idempotency_of(
        request,
        flow=version.flow_id if version else wanted["flow"],
        version=wanted.get("version"),
        environment=wanted.get("environment_id"),
        variables=wanted["variables"],
        labels=wanted["labels"],
        delay=delay,
    )
    try:
        execution = start_execution(
            team=team,
            user=signed_in(request),
            source=source_of(request),
            version=version,
            draft=draft,
            environment=_environment(team, wanted.get("environment_id")),
            variables=wanted["variables"],
            labels=wanted["labels"],
            initial_delay_ms=delay,
            **key,
        )
    except (RunRefused, KeyReused) as refused:
        raise _refusal(refused) from refused
    return _created(execution)


def _environment(team: Team, pk: Any) -> Environment | None:
    if pk is None:
        return None
    found = Environment.objects.filter(team=team, pk=pk).first()
    if found is None:
        raise ValidationError({"environmentId": ["The team has no such environment."]}, "does_not_exist")
    return found


def _refusal(refused: RunRefused | KeyReused) -> APIException:
    if isinstance(refused, KeyReused):
        return Conflict(str(refused), "idempotency_key_reused")
    if isinstance(refused, TooManyRuns):
        return TooMany(refused)
    return InvalidFlow(FlowInvalid(refused.problems))


def _created(execution: Execution) -> Response:
    """Answer with the new execution, before any step has run; for a repeated key, with the execution as it is now."""
    new = execution.new_steps
    body = shown(execution) if new is None else execution_json(execution, new)
    secrets = (execution.secrets or {}).get("variables", {})
    warnings = short_secrets((("variables", name), value) for name, value in secrets.items())
    return Response(with_warnings(body, warnings), status=status.HTTP_201_CREATED)
