"""The limits of organisations in the admin: who may change them is a permission of the installation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from accounts.admin.scope import ScopedAdmin
from resources.limits.effective import SETTINGS, Limits, installation_limits
from resources.limits.models import OrganisationLimits


class LimitsForm(forms.ModelForm[OrganisationLimits]):
    """Shows in every empty field what the installation gives to all."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Write the installation's numbers into the fields' placeholders."""
        super().__init__(*args, **kwargs)
        for name, number in installation_limits().to_json().items():
            if name in self.fields:
                self.fields[name].widget.attrs["placeholder"] = str(number)


@admin.register(OrganisationLimits)
class OrganisationLimitsAdmin(ScopedAdmin[OrganisationLimits]):
    """What organisations may use where it differs from the installation's, and where their flows may connect to."""

    form = LimitsForm
    list_display = ("organisation", "own_limits", "network", "changed_at")
    list_select_related = ("organisation",)
    search_fields = ("organisation__name",)
    autocomplete_fields = ("organisation",)
    readonly_fields = ("changed_at",)
    fields = ("organisation", "network_allowed", *SETTINGS, "changed_at")

    def get_readonly_fields(self, request: HttpRequest, obj: OrganisationLimits | None = None) -> Any:
        """Return what cannot be changed: limits stay with their organisation."""
        fixed = super().get_readonly_fields(request, obj)
        return (*fixed, "organisation") if obj else fixed

    @admin.display(description="own limits")
    def own_limits(self, row: OrganisationLimits) -> str:
        """Return the limits that differ from the installation's."""
        own = {name: getattr(row, name) for name in Limits.__dataclass_fields__}
        return ", ".join(f"{name} {value}" for name, value in own.items() if value is not None) or "none"

    @admin.display(description="network")
    def network(self, row: OrganisationLimits) -> str:
        """Return the allow list on one line."""
        return ", ".join(row.network_allowed.split())
