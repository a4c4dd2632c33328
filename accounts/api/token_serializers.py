"""What the REST API of tokens takes and gives."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import EPOCH, CamelCaseSerializer, EnumField, MillisecondsField, RequestSerializer
from accounts.models import ApiToken
from accounts.services.tokens import LONGEST_LIFE, USUAL_LIFE


@extend_schema_field({"type": "integer", "format": "int64", "description": "Milliseconds since the epoch."})
class MomentField(serializers.IntegerField):
    """A time on the wire that may be given: integer milliseconds since the Unix epoch."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the moment; what no calendar holds is refused."""
        try:
            return EPOCH + timedelta(milliseconds=super().to_internal_value(data))
        except OverflowError:
            raise serializers.ValidationError("This is not a valid time.", "invalid") from None


class TokenSerializer(CamelCaseSerializer):
    """An API token, without the token itself; only `name` can be changed."""

    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(child=EnumField(choices=ApiToken.Scope.choices), read_only=True)
    team_id = serializers.UUIDField(read_only=True, allow_null=True)
    hint = serializers.CharField(read_only=True)
    created_at = MillisecondsField()
    expires_at = MillisecondsField()
    last_used_at = MillisecondsField(allow_null=True)


class NewTokenSerializer(RequestSerializer):
    """A token to make: it lasts 90 days where `expiresAt` is left out, and 366 at most."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=EnumField(choices=ApiToken.Scope.choices), allow_empty=False, max_length=3
    )
    team_id = serializers.UUIDField(required=False, allow_null=True)
    expires_at = MomentField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Give the token its time."""
        now = timezone.now()
        expires_at: datetime = attrs.setdefault("expires_at", now + USUAL_LIFE)
        if not now < expires_at <= now + LONGEST_LIFE + timedelta(minutes=1):  # clocks differ a little
            raise serializers.ValidationError(
                {"expiresAt": [f"It must be in the future, at most {LONGEST_LIFE.days} days from now."]},
                "out_of_range",
            )
        return attrs


class MadeTokenSerializer(TokenSerializer):
    """A new token; `token` is never shown again."""

    token = serializers.CharField()
