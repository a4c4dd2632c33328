"""API tokens and the audit log in the admin: to look at; tokens can be revoked, the log cannot be changed."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.admin.scope import ReadOnlyAdmin
from accounts.models import ApiToken, AuditEvent
from accounts.services.tokens import revoke_token


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin[Any]):
    """API tokens; superusers see everybody's."""

    list_display = ("name", "hint", "user", "team", "shown_scopes", "expires_at", "last_used_at")
    list_filter = ("expires_at", "last_used_at")
    list_select_related = ("user", "team__organisation")
    search_fields = ("name", "hint", "user__email")
    fields = ("name", "hint", "user", "team", "shown_scopes", "created_at", "expires_at", "last_used_at")
    readonly_fields = ("shown_scopes",)
    actions = ("revoke",)

    @admin.display(description="scopes")
    def shown_scopes(self, token: ApiToken) -> str:
        """Return the scopes with commas between."""
        return ", ".join(token.scopes)

    @admin.action(description="Revoke", permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """End the tokens at once."""
        revoked = 0
        for token in list(queryset.select_related("user", "team")):
            with suppress(ApiToken.DoesNotExist):  # its owner was quicker
                revoke_token(token=token)
                revoked += 1
        self.message_user(request, f"{revoked} tokens revoked.")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin[Any]):
    """The audit log; superusers read everything."""

    list_display = (
        *("at", "action", "actor_name", "target_type", "target_name", "team_name"),
        *("door", "ip"),
    )
    list_filter = ("at", "door")
    search_fields = ("action", "actor_name", "target_name", "=target_id", "team_name")
    date_hierarchy = "at"
    fields = (
        *("at", "action", "actor_name", "actor_id", "target_type", "target_name", "target_id"),
        *("team_name", "team_id", "organisation_id", "door", "ip", "user_agent", "token_id", "shown_detail"),
    )
    readonly_fields = ("shown_detail",)

    @admin.display(description="detail")
    def shown_detail(self, event: AuditEvent) -> str:
        """Return the detail for reading."""
        return format_html("<pre>{}</pre>", json.dumps(event.detail, indent=2, ensure_ascii=False))
