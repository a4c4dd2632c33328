"""Resources and environments in the admin: configs and values are changed over REST, which checks them."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.admin.scope import ScopedAdmin
from accounts.transactions import held
from resources.configuration import Invalid, masked
from resources.connection_checks.places import TooManyChecks
from resources.environment_values import shown_variables
from resources.models import Environment, Resource
from resources.secret_warnings import readable_secrets, warnings_of
from resources.services import check_now, refuse_rename, remove_unused
from resources.usage import places_using
from steprunners.values.json_text import ExactEncoder

#: Each may take five seconds, and the page waits for all.
MAX_CHECKS = 10


def _pretty(value: Any) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, cls=ExactEncoder, indent=2, ensure_ascii=False))


class _Named(ScopedAdmin[Any]):
    """What has a name within its team, and is made over REST."""

    list_select_related = ("team__organisation", "created_by")
    date_hierarchy = "updated_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds rows here: what is inside would not be checked."""
        return False


class ResourceForm(forms.ModelForm[Resource]):
    """What may be changed here; a name that flows use stays."""

    def clean_name(self) -> str:
        """Refuse a new name where steps use the old one; the team is held, so that none begins to use it now."""
        name: str = self.cleaned_data["name"]
        held(self.instance.team)
        try:
            refuse_rename(self.instance, name)
        except Invalid as error:
            raise ValidationError(error.problems[0].message, "in_use") from error
        return name


@admin.register(Resource)
class ResourceAdmin(_Named):
    """Named connections; secrets are masked."""

    form = ResourceForm
    list_display = ("name", "type", "group_name", "namespace", "team", "created_by", "updated_at")
    list_filter = ("type", ("team", admin.RelatedOnlyFieldListFilter), "updated_at")
    search_fields = ("name", "group_name", "namespace")
    fields = (
        "name",
        ("group_name", "namespace"),
        ("type", "team"),
        "shown_config",
        "warnings",
        "used_by",
        ("created_by", "created_at", "updated_at"),
    )
    readonly_fields = (
        "type",
        "team",
        "shown_config",
        "warnings",
        "used_by",
        "created_by",
        "created_at",
        "updated_at",
    )
    actions = ("check_selected",)

    @admin.action(description="Check that selected resources answer", permissions=["change"])
    def check_selected(self, request: HttpRequest, selected: QuerySet[Resource]) -> None:
        """Connect to each of the first ten, and tell what came of it."""
        for resource in selected[:MAX_CHECKS]:
            try:
                verdict = check_now(resource=resource)
            except TooManyChecks as refused:
                self.message_user(request, f"resource {resource.name}: {refused}", messages.WARNING)
                return
            level = messages.SUCCESS if verdict.ok else messages.ERROR
            self.message_user(
                request, f"resource {resource.name}: {verdict.message} ({verdict.latency_ms} ms)", level
            )

    def has_delete_permission(self, request: HttpRequest, obj: Resource | None = None) -> bool:
        """Let what nothing uses be deleted, one at a time; what came into use meanwhile `remove` refuses."""
        if obj is None or not super().has_delete_permission(request, obj):
            return False
        return request.method == "POST" or not places_using(obj)

    def remove(self, row: Resource) -> None:
        """Delete it, unless something began to use it just now."""
        remove_unused(resource=row)

    @admin.display(description="config")
    def shown_config(self, resource: Resource) -> str:
        """Return the config with its secrets masked."""
        return _pretty(masked(resource.config, readable_secrets(resource)))

    @admin.display(description="warnings")
    def warnings(self, resource: Resource) -> str:
        """Return what is to be told about the resource's secrets."""
        return "; ".join(f"{each.place}: {each.message}" for each in warnings_of(resource)) or "none"

    @admin.display(description="used by")
    def used_by(self, resource: Resource) -> str:
        """Return where the resource is used."""
        return "; ".join(places_using(resource)) or "nothing"


@admin.register(Environment)
class EnvironmentAdmin(_Named):
    """Sets of variables and resource choices; values of secret variables are masked."""

    list_display = ("name", "team", "variable_names", "created_by", "updated_at")
    list_filter = (("team", admin.RelatedOnlyFieldListFilter), "updated_at")
    search_fields = ("name", "description", "variables")
    fields = (
        "name",
        "description",
        "team",
        "all_variables",
        "chosen_resources",
        ("created_by", "created_at", "updated_at"),
    )
    readonly_fields = ("team", "all_variables", "chosen_resources", "created_by", "created_at", "updated_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Environment]:
        """Return the environments; their secrets are only read to be saved."""
        rows: QuerySet[Environment] = super().get_queryset(request).defer("secrets")
        return rows

    @admin.display(description="variables")
    def variable_names(self, environment: Environment) -> str:
        """Return the names with commas between."""
        return ", ".join(each["name"] for each in environment.variables)

    @admin.display(description="variables")
    def all_variables(self, environment: Environment) -> str:
        """Return the variables with the values of secret ones masked."""
        return _pretty(shown_variables(environment))

    @admin.display(description="resources")
    def chosen_resources(self, environment: Environment) -> str:
        """Return the choices: the name used in flows, and the id of the resource."""
        return _pretty(environment.resources)
