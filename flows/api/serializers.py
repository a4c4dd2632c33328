"""Wire shapes of flows. Documents are checked by `flows.documents`; these describe them, and page through them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.api.base import CamelCaseSerializer
from flows.models import Flow, FlowVersion
from flows.presentation import flow_json, version_json
from flows.selectors import newest_of
from steprunners.documents.envelope import VariableType


class VariableSerializer(CamelCaseSerializer):
    """A variable of a flow; the default of a secret one reads `••••••`, and sending that back keeps it."""

    name = serializers.CharField(max_length=64)
    type = serializers.ChoiceField(choices=[each.value for each in VariableType], default="string")
    default_value = serializers.JSONField(required=False)
    description = serializers.CharField(required=False)
    required = serializers.BooleanField(required=False, default=False)  # type: ignore[assignment]  # a wire name
    secret = serializers.BooleanField(required=False, default=False)


class StepSerializer(CamelCaseSerializer):
    """A step; fields that have their default are left out. `meta` is described by `step-types`."""

    id = serializers.CharField(max_length=64, required=False)
    name = serializers.CharField(max_length=64)
    step_type = serializers.CharField()
    description = serializers.CharField(required=False)
    meta = serializers.DictField(required=False)
    disabled = serializers.BooleanField(required=False)
    timeout_ms = serializers.IntegerField(required=False, min_value=1, max_value=3_600_000)
    run_in_background = serializers.BooleanField(required=False)
    continue_on_failure = serializers.BooleanField(required=False)
    always_run = serializers.BooleanField(required=False)
    when = serializers.DictField(required=False)
    retry = serializers.DictField(required=False)
    until = serializers.DictField(required=False)
    assertions = serializers.ListField(child=serializers.DictField(), required=False)
    extract = serializers.DictField(required=False)
    for_each = serializers.JSONField(required=False)


class FlowDocumentSerializer(CamelCaseSerializer):
    """What a user writes of a flow."""

    name = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True)
    labels = serializers.ListField(child=serializers.CharField(max_length=100), required=False)
    variables = VariableSerializer(many=True, required=False)
    steps = StepSerializer(many=True)


class NewFlowSerializer(FlowDocumentSerializer):
    """A flow to create; `teamId` may be left out by a user with one team."""

    team_id = serializers.UUIDField(required=False)


class ChangedFlowSerializer(FlowDocumentSerializer):
    """A flow to save; `baseVersion` is the version that was edited: where it is not the newest, the answer is 409."""

    base_version = serializers.IntegerField(required=False, min_value=1)


class FlowSerializer(FlowDocumentSerializer):
    """A flow with its newest version."""

    id = serializers.UUIDField()
    team_id = serializers.UUIDField()
    version = serializers.IntegerField()
    created_at = serializers.IntegerField(help_text="Milliseconds since the epoch.")
    updated_at = serializers.IntegerField(help_text="Milliseconds since the epoch.")
    created_by = serializers.UUIDField(allow_null=True)

    def to_representation(self, instance: Flow) -> dict[str, Any]:
        """Return the flow; its newest version is prefetched as `newest`."""
        return flow_json(instance, newest_of(instance))


class VersionSummarySerializer(CamelCaseSerializer):
    """A version in a list."""

    flow_id = serializers.UUIDField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    created_at = serializers.IntegerField(help_text="Milliseconds since the epoch.")
    created_by = serializers.UUIDField(allow_null=True)

    def to_representation(self, instance: FlowVersion) -> dict[str, Any]:
        """Return the version without its steps."""
        return version_json(instance, whole=False)


class VersionSerializer(FlowDocumentSerializer):
    """One version of a flow."""

    flow_id = serializers.UUIDField()
    version = serializers.IntegerField()
    created_at = serializers.IntegerField(help_text="Milliseconds since the epoch.")
    created_by = serializers.UUIDField(allow_null=True)

    def to_representation(self, instance: FlowVersion) -> dict[str, Any]:
        """Return the version."""
        return version_json(instance)


class ProblemSerializer(serializers.Serializer[Any]):
    """One thing that is wrong; `attr` is its place, such as `steps.2.meta.url`."""

    code = serializers.CharField()
    detail = serializers.CharField()
    attr = serializers.CharField(allow_null=True)


class ValidationSerializer(serializers.Serializer[Any]):
    """Whether a document is valid, and everything that is wrong with it."""

    valid = serializers.BooleanField()
    errors = ProblemSerializer(many=True)  # type: ignore[assignment]  # a wire name
    warnings = ProblemSerializer(many=True, required=False)


class ChangeSerializer(serializers.Serializer[Any]):
    """One difference between two versions."""

    path = serializers.CharField()
    kind = serializers.ChoiceField(choices=["added", "removed", "changed", "moved"])
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class DiffSerializer(CamelCaseSerializer):
    """What changed from one version to another."""

    from_version = serializers.IntegerField()
    to_version = serializers.IntegerField()
    changes = ChangeSerializer(many=True)
    yaml = serializers.CharField(help_text="A unified diff of the two versions as YAML.")


class StepTypeSerializer(CamelCaseSerializer):
    """A step type; the schemas are JSON Schema 2020-12."""

    type = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    label = serializers.CharField()  # type: ignore[assignment]  # a wire name
    description = serializers.CharField()
    config_schema = serializers.DictField()
    result_schema = serializers.DictField()
    resource_type = serializers.CharField(allow_null=True)
    example = serializers.DictField()
