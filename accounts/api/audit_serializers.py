"""What the REST API of the audit log gives: JSON, and CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.renderers import BaseRenderer

from accounts.api.base import CamelCaseSerializer, MillisecondsField

#: A spreadsheet takes a cell that begins so for a formula, and names are what users write.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class AuditEventSerializer(CamelCaseSerializer):
    """One event of the audit log."""

    id = serializers.UUIDField()
    at = MillisecondsField()
    action = serializers.CharField()
    user_id = serializers.UUIDField(source="actor_id", allow_null=True)
    user_email = serializers.CharField(source="actor_name")
    organisation_id = serializers.UUIDField(allow_null=True)
    team_id = serializers.UUIDField(allow_null=True)
    team_name = serializers.CharField()
    object_type = serializers.CharField(source="target_type")
    object_id = serializers.CharField(source="target_id")
    object_name = serializers.CharField(source="target_name")
    door = serializers.CharField()
    ip = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()
    token_id = serializers.UUIDField(allow_null=True)
    detail = serializers.JSONField()


class CSVRenderer(BaseRenderer):
    """Writes events as CSV (RFC 4180) with a head line; errors as JSON."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, _accepted_media_type: str | None = None, context: Any = None) -> str:
        """Return the text."""
        if not isinstance(data, Sequence):
            context["response"]["Content-Type"] = "application/json"
            return json.dumps(data)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(AuditEventSerializer().fields))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in event.items()} for event in data)
        return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
