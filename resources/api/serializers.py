"""Wire shapes of resources and environments; secrets read as the mask, and sending the mask back keeps them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import CamelCaseModelSerializer, CamelCaseSerializer, MillisecondsField
from resources.configuration import masked
from resources.environment_values import shown_variables
from resources.models import Environment, Resource
from resources.secret_warnings import readable_secrets, warnings_of
from steprunners.documents.envelope import VariableType

_SHARED = ("created_at", "updated_at", "created_by", "warnings")


class WarningSerializer(CamelCaseSerializer):
    """Something to know about what was saved, in the form of an error: a secret too short, or not readable."""

    code = serializers.CharField()
    detail = serializers.CharField()
    attr = serializers.CharField(allow_null=True)


class _Warned(CamelCaseModelSerializer):
    """A thing with secrets: `warnings` says what is to be known about them."""

    warnings = serializers.SerializerMethodField()

    @extend_schema_field(WarningSerializer(many=True))
    def get_warnings(self, instance: Any) -> list[dict[str, str | None]]:
        """Return the warnings."""
        return [each.to_json() for each in warnings_of(instance)]


@extend_schema_field({"type": "object", "additionalProperties": {}})
class AnyObjectField(serializers.JSONField):
    """An object whose meaning the services know."""


class ResourceSerializer(_Warned):
    """A named connection; `resource-types` describes `config`. Secret fields read `••••••` where they are set."""

    team_id = serializers.UUIDField(required=False)
    config = AnyObjectField()
    created_at = MillisecondsField()
    updated_at = MillisecondsField()
    created_by = serializers.UUIDField(source="created_by_id", read_only=True, allow_null=True)

    class Meta:
        model = Resource
        fields = ("id", "name", "type", "group_name", "namespace", "config", "team_id", *_SHARED)

    def to_representation(self, instance: Resource) -> dict[str, Any]:
        """Return the resource with its secrets masked."""
        return {
            **super().to_representation(instance),
            "config": masked(instance.config, readable_secrets(instance)),
        }


class CheckSerializer(CamelCaseSerializer):
    """What came of connecting: what was found, or what is wrong."""

    ok = serializers.BooleanField()
    message = serializers.CharField()
    latency_ms = serializers.IntegerField()


class EnvironmentVariableSerializer(CamelCaseSerializer):
    """A variable of an environment; one without a type takes any value."""

    name = serializers.CharField(max_length=64)
    value = serializers.JSONField(allow_null=True)
    type = serializers.ChoiceField(choices=[each.value for each in VariableType], required=False)
    secret = serializers.BooleanField(required=False)
    description = serializers.CharField(required=False)


@extend_schema_field(EnvironmentVariableSerializer(many=True))
class VariablesField(serializers.JSONField):
    """The variables; `resources.environment_values` checks them, and says everything that is wrong at its place."""


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class ChoicesField(serializers.JSONField):
    """`{name used in flows: id or name of the resource to use instead}`."""


class EnvironmentSerializer(_Warned):
    """A set of variables and resource choices that a run can pick."""

    team_id = serializers.UUIDField(required=False)
    variables = VariablesField(required=False)
    resources = ChoicesField(required=False)
    created_at = MillisecondsField()
    updated_at = MillisecondsField()
    created_by = serializers.UUIDField(source="created_by_id", read_only=True, allow_null=True)

    class Meta:
        model = Environment
        fields = ("id", "name", "description", "variables", "resources", "team_id", *_SHARED)

    def to_representation(self, instance: Environment) -> dict[str, Any]:
        """Return the environment with the values of secret variables masked."""
        return {**super().to_representation(instance), "variables": shown_variables(instance)}


class ResourceTypeSerializer(CamelCaseSerializer):
    """A type of resource: `configSchema` is the JSON Schema of `config`, `secretFields` are write-only."""

    type = serializers.CharField()
    description = serializers.CharField()
    config_schema = serializers.DictField()
    secret_fields = serializers.ListField(child=serializers.CharField())
    step_types = serializers.ListField(child=serializers.CharField())
