"""Documents on their way in and out: validate, import, export; and the step types that they are made of."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.base import choose_team, signed_in
from accounts.api.queries import KnownParameters
from accounts.models import Team
from accounts.permissions import Action
from flows import services
from flows.api.access import visible_flows
from flows.api.parsers import (
    FlowsJSONParser,
    FlowsYAMLParser,
    InvalidFlow,
    YAMLDocumentsRenderer,
)
from flows.api.serializers import (
    FlowDocumentSerializer,
    FlowSerializer,
    NewFlowSerializer,
    StepTypeSerializer,
    ValidationSerializer,
)
from flows.api.views.flows import PARSERS
from flows.documents.document import FlowDocument
from flows.documents.secret_warnings import warnings_of, with_warnings
from flows.editing.source_text import portable_text
from flows.models import Flow, FlowVersion
from flows.presentation import portable_json, step_type_json
from flows.problems import FlowInvalid, Problem, invalid
from flows.selectors import check_for_team, newest_of
from resources.api.renderers import JSONRenderer
from steprunners.registry import step_types

MAX_FLOWS = 200


class Validate(APIView):
    """Checks a document without saving it."""

    parser_classes = PARSERS

    @extend_schema(operation_id="flows_validate", request=NewFlowSerializer, responses=ValidationSerializer)
    def post(self, request: Request) -> Response:
        """Say everything that is wrong; a flow's own `id` makes it a check of that flow's next version."""
        problems, warnings = _found_in(request)
        answer: dict[str, Any] = {"valid": not problems, "errors": [each.to_json() for each in problems]}
        return Response(with_warnings(answer, warnings))


def _found_in(request: Request) -> tuple[list[Problem], list[Problem]]:
    """Return what is wrong with the document, and what is to be known about it where nothing is."""
    try:
        data = request.data
    except InvalidFlow as error:  # not even readable
        return error.problems, []
    fields = data if isinstance(data, dict) else {}
    flow = _known_flow(request, fields.get("id"))
    team = flow.team if flow else choose_team(request.user, fields.get("teamId"), Action.VIEW)
    try:
        return [], warnings_of(check_for_team(team, data, flow=flow))
    except FlowInvalid as error:
        return error.problems, []


def _known_flow(request: Request, flow_id: Any) -> Flow | None:
    pk = _uuid(flow_id)
    return visible_flows(request.user).filter(pk=pk).first() if pk else None


def _uuid(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except (ValueError, TypeError, AttributeError):
        return None


class Import(KnownParameters):
    """Creates flows from YAML documents or a JSON list."""

    query_parameters = ("teamId",)
    parser_classes = [FlowsJSONParser, FlowsYAMLParser]

    @extend_schema(
        operation_id="flows_import",
        parameters=[OpenApiParameter("teamId", OpenApiTypes.UUID)],
        request=FlowDocumentSerializer(many=True),
        responses={201: FlowSerializer(many=True)},
    )
    def post(self, request: Request) -> Response:
        """Create all of the flows, or none: problems have places such as `1.steps.0.name`."""
        raws = request.data if isinstance(request.data, list) else [request.data]
        team = choose_team(request.user, request.query_params.get("teamId"), Action.EDIT)
        documents = _all_checked(team, raws)
        flows = services.create_flows(team=team, user=signed_in(request), documents=documents)
        by_id = {
            flow.pk: flow for flow in visible_flows(request.user).filter(pk__in=[each.pk for each in flows])
        }
        shown = FlowSerializer([by_id[flow.pk] for flow in flows if flow.pk in by_id], many=True).data
        return Response(shown, status=status.HTTP_201_CREATED)


def _all_checked(team: Team, raws: list[Any]) -> list[FlowDocument]:
    if not raws or len(raws) > MAX_FLOWS:
        raise InvalidFlow(
            invalid("bad_count", f"an import holds 1 to {MAX_FLOWS} flows, and this one has {len(raws)}")
        )
    documents, problems = [], []
    for index, raw in enumerate(raws):
        try:
            documents.append(check_for_team(team, raw))
        except FlowInvalid as error:
            problems += [_below(index, problem) for problem in error.problems]
    if problems:
        raise InvalidFlow(FlowInvalid(problems))
    return documents


def _below(index: int, problem: Problem) -> Problem:
    return Problem(f"{index}.{problem.place}".rstrip("."), problem.code, problem.message)


class Export(KnownParameters):
    """Writes flows as YAML documents, one a flow, which import takes."""

    query_parameters = ("ids",)
    renderer_classes = [YAMLDocumentsRenderer, JSONRenderer]

    @extend_schema(
        operation_id="flows_export",
        parameters=[
            OpenApiParameter("ids", str, description="Ids, separated by commas. Default: all flows.")
        ],
        responses={
            (200, "application/yaml"): OpenApiResponse(OpenApiTypes.ANY, "One YAML document for each flow."),
            (200, "application/json"): FlowDocumentSerializer(many=True),
        },
    )
    def get(self, request: Request) -> Response:
        """Export the newest versions, YAML as it was written; defaults of secret variables are left out."""
        flows = list(_chosen(request))
        services.record_export(flows=flows)
        versions = [newest_of(flow) for flow in flows]
        extension = "json" if request.accepted_renderer.format == "json" else "yaml"
        shape: Callable[[FlowVersion], Any] = portable_json if extension == "json" else portable_text
        documents = [shape(version) for version in versions]
        return Response(
            documents, headers={"Content-Disposition": f'attachment; filename="flows.{extension}"'}
        )


def _chosen(request: Request) -> list[Flow]:
    """Return the flows that `ids` names, in that order; raise NotFound where one is unknown."""
    flows = visible_flows(request.user).order_by("name", "id")
    text = request.query_params.get("ids")
    if text is None:
        return list(flows[:MAX_FLOWS])
    wanted = list(dict.fromkeys(_uuid(part.strip()) for part in text.split(",", MAX_FLOWS)))
    known = {flow.pk: flow for flow in flows.filter(pk__in=[pk for pk in wanted if pk])}
    if any(pk not in known for pk in wanted):
        raise exceptions.NotFound("One of these flows does not exist.")
    return [known[pk] for pk in wanted if pk is not None]


class StepTypes(KnownParameters):
    """The step types of this installation."""

    @extend_schema(operation_id="step_types_list", responses=StepTypeSerializer(many=True))
    def get(self, _request: Request) -> Response:
        """List them all, with the JSON Schemas of their `meta` and their result."""
        return Response([step_type_json(runner) for runner in step_types()])
