"""The versions of a flow: list, read, restore, compare."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.api.base import require, signed_in
from accounts.api.queries import KnownParameters
from accounts.permissions import Action
from flows import services
from flows.api.access import visible_flows
from flows.api.serializers import DiffSerializer, FlowSerializer, VersionSerializer, VersionSummarySerializer
from flows.api.views.flows import RENDERERS
from flows.diffs.changes import changes_between, unified_yaml
from flows.models import Flow, FlowVersion

_MAX_NUMBER = 2**31 - 1


class Versions(GenericViewSet[FlowVersion]):
    """The versions of a flow, newest first."""

    queryset = FlowVersion.objects.none()
    serializer_class = VersionSerializer
    renderer_classes = RENDERERS
    filterset_class = None
    search_fields = ()
    ordering_fields = ("number",)
    ordering = ("-number",)
    lookup_field = "number"

    def get_queryset(self) -> QuerySet[FlowVersion]:
        """Return the versions of the URL's flow."""
        return _flow_of(self).versions.defer("secrets")

    @extend_schema(responses=VersionSummarySerializer(many=True))
    def list(self, _request: Request, **_kwargs: Any) -> Response:
        """List the versions."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(VersionSummarySerializer(page, many=True).data)

    def retrieve(self, _request: Request, number: int, **_kwargs: Any) -> Response:
        """Show one version."""
        return Response(VersionSerializer(self._version(number)).data)

    @extend_schema(request=None, responses=FlowSerializer)
    def restore(self, request: Request, number: int, **_kwargs: Any) -> Response:
        """Save the document of this version as the next one."""
        flow = _flow_of(self)
        require(request.user, Action.EDIT, flow.team)
        services.restore(flow=flow, number=self._version(number).number, user=signed_in(request))
        return Response(FlowSerializer(visible_flows(request.user).get(pk=flow.pk)).data)

    def _version(self, number: int) -> FlowVersion:
        if number > _MAX_NUMBER:
            raise Http404
        return get_object_or_404(self.get_queryset(), number=number)


class Diff(KnownParameters):
    """What changed between two versions."""

    query_parameters = ("from", "to")

    @extend_schema(
        operation_id="flows_diff",
        parameters=[
            OpenApiParameter("from", int, description="Default: the version before `to`."),
            OpenApiParameter("to", int, description="Default: the newest version."),
        ],
        responses=DiffSerializer,
    )
    def get(self, request: Request, **_kwargs: Any) -> Response:
        """Compare two versions; `changes` says where, `yaml` is a unified diff."""
        flow = _flow_of(self)
        to_number = _number(request, "to", flow.version)
        from_number = _number(request, "from", max(1, to_number - 1))
        after = self._version(flow, to_number, "to")
        before = self._version(flow, from_number, "from")
        return Response(
            {
                "fromVersion": from_number,
                "toVersion": to_number,
                "changes": changes_between(before, after),
                "yaml": unified_yaml(before, after),
            }
        )

    def _version(self, flow: Flow, number: int, name: str) -> FlowVersion:
        found = flow.versions.filter(number=number).first()
        if found is None:
            raise exceptions.ValidationError({name: [f"There is no version {number}."]}, "does_not_exist")
        return found


def _flow_of(view: APIView) -> Flow:
    return get_object_or_404(visible_flows(view.request.user), pk=view.kwargs["pk"])


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or not 0 < int(text[:11]) <= _MAX_NUMBER:
        raise exceptions.ValidationError({name: ["This is not the number of a version."]}, "invalid")
    return int(text)
