"""Wire shapes of resources and environments; secrets read as the mask, and sending the mask back keeps them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import CamelCaseModelSerializer, CamelCaseSerializer, MillisecondsField
from resources.configuration import masked
from resources.environment_values import shown_variables
from resources.models import Environment, Resource
from steprunners.envelope import VariableType

_SHARED = ("created_at", "updated_at", "created_by")


@extend_schema_field({"type": "object", "additionalProperties": {}})
class AnyObjectField(serializers.JSONField):
    """An object whose meaning the services know."""


class ResourceSerializer(CamelCaseModelSerializer):
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
        return {**super().to_representation(instance), "config": masked(instance.config, instance.secrets)}


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


class EnvironmentSerializer(CamelCaseModelSerializer):
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
