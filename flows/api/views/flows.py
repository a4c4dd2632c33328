"""Flows: list, create, read, save as the next version, delete."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.base import Conflict, choose_team, require, signed_in
from accounts.permissions import Action
from flows import services
from flows.api.access import base_version_of, check_team_unchanged, checked, object_of, visible_flows
from flows.api.filters import FlowFilter
from flows.api.parsers import (
    FlowJSONParser,
    FlowYAMLParser,
    OtherFlowYAMLParser,
    TextFlowYAMLParser,
    YAMLRenderer,
)
from flows.api.serializers import ChangedFlowSerializer, FlowSerializer, NewFlowSerializer
from flows.documents.document import FlowDocument
from flows.documents.secret_warnings import warnings_of, with_warnings
from flows.models import Flow
from flows.selectors import newest_of
from resources.api.renderers import JSONRenderer

PARSERS = [FlowJSONParser, FlowYAMLParser, OtherFlowYAMLParser, TextFlowYAMLParser]
RENDERERS = [JSONRenderer, BrowsableAPIRenderer, YAMLRenderer]


class Flows(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, GenericViewSet[Flow]):
    """Blueprints of steps, as JSON or YAML. Every saved change is the next version; versions never change."""

    queryset = Flow.objects.none()
    serializer_class = FlowSerializer
    parser_classes = PARSERS
    renderer_classes = RENDERERS
    filterset_class = FlowFilter
    search_fields = ("name", "description", "labels")
    ordering_fields = ("name", "version", "created_at", "updated_at")
    ordering = ("-updated_at", "-id")

    def get_queryset(self) -> QuerySet[Flow]:
        """Return the living flows that the user may see."""
        return visible_flows(self.request.user)

    @extend_schema(request=NewFlowSerializer, responses={201: FlowSerializer})
    def create(self, request: Request) -> Response:
        """Create a flow; everything that is wrong with it is told at once, each problem with its place."""
        data = object_of(request.data)
        team = choose_team(request.user, data.get("teamId"), Action.EDIT)
        document = checked(team, data)
        flow = services.create_flow(team=team, user=signed_in(request), document=document)
        return Response(self._saved(flow, document), status=status.HTTP_201_CREATED)

    @extend_schema(request=ChangedFlowSerializer)
    def update(self, request: Request, **_kwargs: Any) -> Response:
        """Save the document as the next version; what is unchanged makes no version."""
        return self._save(request, self._editable(), object_of(request.data))

    @extend_schema(request=ChangedFlowSerializer)
    def partial_update(self, request: Request, **_kwargs: Any) -> Response:
        """Save with the fields that are given; the others stay as they are in the newest version."""
        flow = self._editable()
        newest = newest_of(flow)
        base = {**newest.document, "baseVersion": newest.number}  # or a save in between would be undone
        return self._save(request, flow, {**base, **object_of(request.data)})

    def perform_destroy(self, instance: Flow) -> None:
        """Delete softly: executions keep the version that they ran."""
        require(self.request.user, Action.EDIT, instance.team)
        services.delete_flow(flow=instance)

    def _editable(self) -> Flow:
        flow = self.get_object()
        require(self.request.user, Action.EDIT, flow.team)
        return flow

    def _save(self, request: Request, flow: Flow, data: Any) -> Response:
        check_team_unchanged(flow, data)
        document = checked(flow.team, data, flow=flow)
        try:
            services.save_version(
                flow=flow, user=signed_in(request), document=document, base_version=base_version_of(data)
            )
        except services.StaleVersion as error:
            raise Conflict(str(error), "stale_version") from error
        return Response(self._saved(flow, document))

    def _saved(self, flow: Flow, document: FlowDocument) -> dict[str, Any]:
        shown = self.get_serializer(self.get_queryset().get(pk=flow.pk)).data
        return with_warnings(shown, warnings_of(document))
