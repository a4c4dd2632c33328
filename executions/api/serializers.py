"""Serializers of executions: requests are checked here, responses come from `executions.presentation`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import CamelCaseSerializer, EnumField, RequestSerializer
from executions.models import Execution
from executions.presentation import execution_json
from executions.states import ExecutionStatus, Source, StepStatus
from flows.api.serializers import FlowDocumentSerializer
from steprunners.documents.envelope import VariableType

MAX_DELAY_MS = 7 * 24 * 3_600_000
LARGEST_VERSION = 2**31 - 1
TIME = "Milliseconds since the epoch."


class RunVariableSerializer(RequestSerializer):
    """A variable of a run."""

    name = serializers.CharField(max_length=64)
    value = serializers.JSONField(allow_null=True)
    type = EnumField(choices=[each.value.upper() for each in VariableType], required=False)

    def validate_type(self, value: str) -> str:
        """Return the type in lower case."""
        return value.lower()


@extend_schema_field({"oneOf": [{"type": "string", "pattern": "^[0-9]+$"}, {"type": "integer"}]})
class DelayField(serializers.IntegerField):
    """Milliseconds, as a number or as a string of digits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=MAX_DELAY_MS, **options)

    def to_internal_value(self, data: Any) -> int:
        """Return the milliseconds; refuse a boolean, which Python takes for 0 or 1."""
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class RunParametersSerializer(RequestSerializer):
    """Options of the run."""

    initial_delay = DelayField(default=0, help_text="Delay before the first step, in ms (at most 7 days).")


class RunFlowSerializer(RequestSerializer):
    """A request to run a saved flow."""

    flow_id = serializers.UUIDField(
        required=False, help_text="The same as in the URL, if the URL names the flow."
    )
    version = serializers.IntegerField(
        min_value=1, max_value=LARGEST_VERSION, required=False, allow_null=True
    )
    environment_id = serializers.UUIDField(required=False, allow_null=True)
    labels = serializers.ListField(child=serializers.CharField(max_length=100), max_length=50, default=list)
    variables = RunVariableSerializer(many=True, default=list)
    parameters = RunParametersSerializer(required=False)


class RunSerializer(RunFlowSerializer):
    """A request to run a saved flow (`flowId`) or an unsaved draft (`flow`)."""

    flow = serializers.DictField(required=False)
    team_id = serializers.UUIDField(required=False, help_text="The team of a draft.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require exactly one of flowId and flow."""
        if ("flow_id" in attrs) == ("flow" in attrs):
            raise serializers.ValidationError({"flowId": "Give either flowId or flow."}, "required")
        if "flow" in attrs and attrs.get("version") is not None:
            raise serializers.ValidationError({"version": "A draft has no versions."}, "invalid")
        return attrs


class RunRequestSerializer(RunFlowSerializer):
    """The same for the OpenAPI schema, which shows the fields of the draft."""

    flow_id = serializers.UUIDField(required=False)
    flow = FlowDocumentSerializer(required=False)
    team_id = serializers.UUIDField(required=False, help_text="The team of a draft.")


class RerunSerializer(RequestSerializer):
    """Where a re-run begins, and with which version."""

    from_step = serializers.CharField(max_length=64, required=False, help_text="Name of a step.")
    version = EnumField(choices=["SAME", "LATEST"], default="SAME")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which is a keyword in Python."""
        start = EnumField(choices=["START", "FAILED"], required=False, source="from_")
        return {"from": start, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse both from and fromStep."""
        if "from_" in attrs and "from_step" in attrs:
            raise serializers.ValidationError({"fromStep": "Give either from or fromStep."}, "invalid")
        return attrs


class ErrorSerializer(serializers.Serializer[Any]):
    """The error of a step or an execution."""

    code = serializers.CharField()
    message = serializers.CharField()


class OutcomeSerializer(CamelCaseSerializer):
    """The result of an assertion."""

    field = serializers.CharField()
    operator = serializers.CharField()
    expected_value = serializers.JSONField(required=False)
    actual_value = serializers.JSONField(required=False)
    passed = serializers.BooleanField()
    message = serializers.CharField(allow_null=True)
    implied = serializers.BooleanField(
        required=False,
        help_text="The step type asks for it by itself. Such outcomes stand after the step's own.",
    )


class AttemptSerializer(CamelCaseSerializer):
    """One attempt of a step."""

    number = serializers.IntegerField()
    item = serializers.IntegerField(allow_null=True, help_text="Index inside a forEach.")
    status = serializers.ChoiceField(choices=StepStatus.choices)
    started_at = serializers.IntegerField(help_text=TIME)
    completed_at = serializers.IntegerField(help_text=TIME)
    duration_ms = serializers.IntegerField()
    waited_ms = serializers.IntegerField(help_text="How long the attempt waited before it started.")
    request = serializers.JSONField(allow_null=True)
    response = serializers.JSONField(allow_null=True)
    assertions = OutcomeSerializer(many=True)
    error = ErrorSerializer(allow_null=True)


class ExecutionStepSerializer(CamelCaseSerializer):
    """A step of an execution."""

    id = serializers.UUIDField()
    flow_step_id = serializers.CharField()
    name = serializers.CharField()
    step_type = serializers.CharField()
    position = serializers.IntegerField()
    status = serializers.ChoiceField(choices=StepStatus.choices)
    attempts = serializers.IntegerField(help_text="The number of attempts.")
    background = serializers.BooleanField()
    always_run = serializers.BooleanField()
    started_at = serializers.IntegerField(allow_null=True, help_text=TIME)
    completed_at = serializers.IntegerField(allow_null=True, help_text=TIME)
    next_at = serializers.IntegerField(allow_null=True, help_text=TIME + " Only while it waits.")
    duration_ms = serializers.IntegerField(allow_null=True)
    request = serializers.JSONField(allow_null=True, help_text="The resolved meta, secrets masked.")
    response = serializers.JSONField(allow_null=True)
    response_omitted = serializers.BooleanField(
        help_text="The response is larger than 64 KiB: request the step itself."
    )
    result_truncated = serializers.BooleanField(help_text="The result was cut at 1 MiB.")
    reused = serializers.BooleanField(help_text="The result was reused from the execution that was re-run.")
    assertions = OutcomeSerializer(many=True)
    extracted = serializers.DictField()
    error = ErrorSerializer(allow_null=True)


class WholeStepSerializer(ExecutionStepSerializer):
    """A step with its whole response and every attempt."""

    attempt_history = AttemptSerializer(many=True)


class ExecutionSummarySerializer(CamelCaseSerializer):
    """An execution in a list: without its steps."""

    id = serializers.UUIDField()
    flow_id = serializers.UUIDField(allow_null=True)
    flow_name = serializers.CharField()
    flow_version = serializers.IntegerField(allow_null=True, help_text="Null for a draft.")
    team_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=ExecutionStatus.choices)
    variables = serializers.ListField(child=serializers.DictField())
    labels = serializers.ListField(child=serializers.CharField())
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]  # a wire name
    user_id = serializers.UUIDField(allow_null=True)
    environment_id = serializers.UUIDField(allow_null=True)
    parent_execution_id = serializers.UUIDField(allow_null=True)
    test_suite_execution_id = serializers.UUIDField(allow_null=True)
    rerun_of = serializers.UUIDField(allow_null=True)
    error = ErrorSerializer(allow_null=True)
    sequence = serializers.IntegerField(help_text="Number of the last live update.")
    created_at = serializers.IntegerField(help_text=TIME)
    started_at = serializers.IntegerField(allow_null=True, help_text=TIME)
    completed_at = serializers.IntegerField(allow_null=True, help_text=TIME)
    cancel_requested_at = serializers.IntegerField(allow_null=True, help_text=TIME)
    duration_ms = serializers.IntegerField(allow_null=True)
    results_removed_at = serializers.IntegerField(
        allow_null=True, help_text=TIME + " Since then the steps' requests and responses are gone."
    )

    def to_representation(self, instance: Execution) -> dict[str, Any]:
        """Return the execution without its steps."""
        return execution_json(instance)


class ExecutionSerializer(ExecutionSummarySerializer):
    """An execution with its steps."""

    steps = ExecutionStepSerializer(many=True)


class DifferenceSerializer(serializers.Serializer[Any]):
    """A place where two responses differ; a side without a value there has no key."""

    path = serializers.CharField()
    left = serializers.JSONField(required=False)
    right = serializers.JSONField(required=False)


class StepSideSerializer(CamelCaseSerializer):
    """One side of a pair of steps."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    step_type = serializers.CharField()
    status = serializers.ChoiceField(choices=StepStatus.choices)
    attempts = serializers.IntegerField()
    duration_ms = serializers.IntegerField(allow_null=True)
    response_omitted = serializers.BooleanField()
    error = ErrorSerializer(allow_null=True)


class StepPairSerializer(CamelCaseSerializer):
    """A step in both executions."""

    name = serializers.CharField()
    left = StepSideSerializer(allow_null=True)
    right = StepSideSerializer(allow_null=True)
    status_changed = serializers.BooleanField()
    duration_change_ms = serializers.IntegerField(allow_null=True)
    differences = DifferenceSerializer(many=True, allow_null=True)


class ComparisonSerializer(CamelCaseSerializer):
    """Two executions side by side."""

    left = ExecutionSummarySerializer()
    right = ExecutionSummarySerializer()
    steps = StepPairSerializer(many=True)
