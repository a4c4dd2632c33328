"""Executions: list, read, delete, cancel, one step whole, compare, JUnit."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.base import Conflict
from accounts.permissions import Action
from executions.api.access import execution_to_use, shown, visible_execution, with_steps
from executions.api.filters import ExecutionFilter, ExecutionPages
from executions.api.serializers import (
    ComparisonSerializer,
    ExecutionSerializer,
    ExecutionSummarySerializer,
    WholeStepSerializer,
)
from executions.engine.cancel import AlreadyOver, cancel_execution
from executions.models import Execution, ExecutionStep
from executions.presentation import attempt_json, step_json
from executions.reports.compare import compare
from executions.reports.junit import junit_xml
from executions.retention.delete import NotOver, delete_execution
from executions.selectors.executions import executions_to_show
from resources.api.renderers import JSONRenderer


class Executions(generics.ListAPIView[Execution]):
    """The executions of the user's teams, newest first, without their steps.

    Child executions are listed with `parentExecutionId` only.
    """

    queryset = Execution.objects.none()
    serializer_class = ExecutionSummarySerializer
    pagination_class = ExecutionPages
    filterset_class = ExecutionFilter
    ordering_fields = ("created_at",)

    def get_queryset(self) -> QuerySet[Execution]:
        """Return the executions that the user may see."""
        return executions_to_show(self.request.user)


class OneExecution(APIView):
    """One execution."""

    @extend_schema(operation_id="executions_retrieve", responses=ExecutionSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """Return the execution with its steps; responses above 64 KiB are left out (`responseOmitted`)."""
        return Response(shown(visible_execution(request, pk)))

    @extend_schema(operation_id="executions_destroy", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Delete the execution with its steps and children. 409 while it runs."""
        execution = execution_to_use(request, pk, Action.DELETE_RUNS)
        try:
            delete_execution(execution=execution)
        except NotOver as running:
            raise Conflict("The execution has not ended. Cancel it first.", "not_over") from running
        return Response(status=status.HTTP_204_NO_CONTENT)


class OneStep(APIView):
    """One step of an execution."""

    @extend_schema(operation_id="executions_step", responses=WholeStepSerializer)
    def get(self, request: Request, pk: UUID, step: str) -> Response:
        """Return the step, by id or by name, with its whole response and every attempt."""
        found = _step(visible_execution(request, pk), step)
        attempts = [attempt_json(attempt) for attempt in found.attempt_history.order_by("number")]
        return Response({**step_json(found, whole=True), "attemptHistory": attempts})


class Cancel(APIView):
    """Cancel an execution."""

    @extend_schema(operation_id="executions_cancel", request=None, responses=ExecutionSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Cancel the execution. Clean-up steps still run, until a second cancel. 409 if it has ended."""
        execution = execution_to_use(request, pk, Action.CANCEL)
        try:
            cancelled = cancel_execution(execution)
        except AlreadyOver as over:
            raise Conflict("The execution has already ended.", "already_over") from over
        return Response(shown(cancelled))


class Compare(APIView):
    """Two executions side by side."""

    @extend_schema(operation_id="executions_compare", responses=ComparisonSerializer)
    def get(self, request: Request, pk: UUID, other: UUID) -> Response:
        """Return the steps in pairs, with what differs; responses above 64 KiB are not compared."""
        left, right = (with_steps(visible_execution(request, each)) for each in (pk, other))
        return Response(compare(left, right))


class AlwaysFirst(DefaultContentNegotiation):
    """Answers in the only format there is, whatever the client's Accept header says."""

    def select_renderer(self, _request: Request, renderers: Any, _format_suffix: str | None = None) -> Any:
        """Return the first renderer, which writes the errors."""
        return renderers[0], renderers[0].media_type


class JUnit(APIView):
    """An execution as JUnit XML."""

    renderer_classes = [JSONRenderer]
    content_negotiation_class = AlwaysFirst

    @extend_schema(operation_id="executions_junit", responses={(200, "application/xml"): OpenApiTypes.STR})
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        """Return a test suite with one test case for each step, for CI servers."""
        execution, steps = with_steps(visible_execution(request, pk))
        report = junit_xml([(execution, steps)], name=execution.flow_name)
        return HttpResponse(report, content_type="application/xml; charset=utf-8")


def _step(execution: Execution, name: str) -> ExecutionStep:
    wanted = Q(name=name)
    with suppress(ValueError):
        wanted |= Q(pk=UUID(name))
    steps = ExecutionStep.objects.defer("definition", "state", "whole_response", "secret_extracts")
    return get_object_or_404(steps.filter(wanted, execution=execution))
