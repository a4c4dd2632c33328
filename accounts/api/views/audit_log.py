"""The audit log: to read and to export; nobody writes it here."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.api.audit_serializers import AuditEventSerializer, CSVRenderer
from accounts.api.base import signed_in
from accounts.api.filters import AuditFilter
from accounts.audit.log import record
from accounts.models import AuditEvent

MOST_EXPORTED = 10_000


class AuditLog(ReadOnlyModelViewSet[AuditEvent]):
    """Who did what to what, when and from where, newest first.

    Team admins read the events of their teams, organisation owners all of their organisations, everybody what their
    own account did.
    """

    queryset = AuditEvent.objects.none()
    serializer_class = AuditEventSerializer
    filterset_class = AuditFilter
    lookup_value_converter = "uuid"  # what is no UUID is no path: 404
    search_fields = ("action", "actor_name", "target_name")
    ordering_fields = ("at",)
    ordering = ("-at", "-id")

    def get_queryset(self) -> QuerySet[AuditEvent]:
        """Return the events that the user may read."""
        return AuditEvent.objects.visible_to(self.request.user)

    @extend_schema(
        operation_id="audit_log_export",
        filters=True,
        responses={200: AuditEventSerializer(many=True), (200, "text/csv"): OpenApiTypes.STR},
    )
    @action(detail=False, pagination_class=None, renderer_classes=[CSVRenderer, JSONRenderer])
    def export(self, request: Request) -> Response:
        """Give the newest 10 000 events that match as a file: `?format=csv` or `json`. Exports are events too."""
        events = self.filter_queryset(self.get_queryset())[:MOST_EXPORTED]
        rows = AuditEventSerializer(events, many=True).data
        record(actor=signed_in(request), action="audit.export", detail={"events": len(rows)})
        name = f"audit-log.{request.accepted_renderer.format}"
        return Response(rows, headers={"Content-Disposition": f'attachment; filename="{name}"'})
