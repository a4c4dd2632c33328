"""Flows and their versions in the admin: to look at, since only services write versions."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from accounts.admin.scope import ReadOnlyAdmin
from flows.models import Flow, FlowVersion
from flows.services import delete_flow
from flows.yaml.text import write_yaml

MAX_SHOWN = 200_000


@admin.register(Flow)
class FlowAdmin(ReadOnlyAdmin[Any]):
    """Flows; their content is that of their newest version."""

    list_display = (
        "name",
        "team",
        "all_versions",
        "all_executions",
        "shown_labels",
        "created_by",
        "updated_at",
        "is_deleted",
    )
    list_filter = (
        ("team", admin.RelatedOnlyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
        "updated_at",
    )
    list_select_related = ("team__organisation", "created_by")
    search_fields = ("name", "description", "labels")
    date_hierarchy = "updated_at"
    ordering = ("-updated_at",)
    fields = (
        ("name", "version"),
        "description",
        "shown_labels",
        "team",
        ("all_versions", "all_executions"),
        ("created_by", "created_at", "updated_at", "deleted_at"),
    )
    readonly_fields = ("shown_labels", "all_versions", "all_executions")
    actions: tuple[str, ...] = ("delete_softly",)

    @admin.display(description="versions", ordering="version")
    def all_versions(self, flow: Flow) -> str:
        """Link to the versions."""
        return _link("admin:flows_flowversion_changelist", str(flow.version), flow__id__exact=flow.pk)

    @admin.display(description="executions")
    def all_executions(self, flow: Flow) -> str:
        """Link to the executions; to count those of each flow of a page takes seconds where there are a million."""
        return _link("admin:executions_execution_changelist", "executions", flow__id__exact=flow.pk)

    @admin.display(description="labels")
    def shown_labels(self, flow: Flow) -> str:
        """Return the labels with commas between."""
        return ", ".join(flow.labels)

    @admin.display(boolean=True, description="deleted", ordering="deleted_at")
    def is_deleted(self, flow: Flow) -> bool:
        """Return whether the flow is deleted."""
        return flow.deleted_at is not None

    @admin.action(description="Delete the selected flows (executions stay)", permissions=["soft_delete"])
    def delete_softly(self, request: HttpRequest, queryset: QuerySet[Flow]) -> None:
        """Delete as the API does: versions and executions stay."""
        deleted = 0
        for flow in list(queryset.filter(deleted_at=None)):
            with suppress(Flow.DoesNotExist):  # somebody else was quicker
                delete_flow(flow=flow)
                deleted += 1
        self.message_user(request, f"{deleted} flows deleted.")

    def has_soft_delete_permission(self, request: HttpRequest) -> bool:
        """Return whether the user has Django's permission to delete flows."""
        return request.user.has_perm("flows.delete_flow")


@admin.register(FlowVersion)
class FlowVersionAdmin(ReadOnlyAdmin[Any]):
    """Versions of flows; the defaults of secret variables are masked in the document."""

    list_display = ("flow_link", "number", "step_count", "all_executions", "created_by", "created_at")
    list_display_links = ("number",)
    list_filter = (("flow__team", admin.RelatedOnlyFieldListFilter), "created_at")
    list_select_related = ("flow", "created_by")
    search_fields = ("flow__name",)
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    fields = ("flow_link", "number", "all_executions", ("created_by", "created_at"), "yaml")
    readonly_fields = ("flow_link", "all_executions", "yaml")

    def get_queryset(self, request: HttpRequest) -> QuerySet[FlowVersion]:
        """Return the versions without their secrets."""
        versions: QuerySet[FlowVersion] = super().get_queryset(request).defer("secrets")
        return versions

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Let flows link to their versions."""
        return lookup == "flow__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description="flow", ordering="flow__name")
    def flow_link(self, version: FlowVersion) -> str:
        """Link to the flow."""
        url = reverse("admin:flows_flow_change", args=[version.flow_id])
        return format_html('<a href="{}">{}</a>', url, version.flow.name)

    @admin.display(description="steps")
    def step_count(self, version: FlowVersion) -> int:
        """Return the number of steps, without inline ones."""
        return len(version.document["steps"])

    @admin.display(description="executions")
    def all_executions(self, version: FlowVersion) -> str:
        """Link to the executions."""
        return _link("admin:executions_execution_changelist", "executions", version__id__exact=version.pk)

    @admin.display(description="document")
    def yaml(self, version: FlowVersion) -> str:
        """Return the document as YAML."""
        return format_html("<pre>{}</pre>", write_yaml(version.document)[:MAX_SHOWN])


def _link(url_name: str, text: str, **query: Any) -> str:
    """Return a link to a list of rows; only its text where that list is not in this admin."""
    try:
        url = reverse(url_name)
    except NoReverseMatch:
        return text
    return format_html('<a href="{}?{}">{}</a>', url, urlencode(query), text)
