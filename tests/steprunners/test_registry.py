"""What every step type promises; a new file in `kinds/` is held to all of this by being there."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from steprunners.assertions.conditions import evaluate_condition
from steprunners.assertions.evaluation import evaluate_all
from steprunners.config import ConnectionConfig, StepConfig
from steprunners.deadline import Deadline
from steprunners.documents.envelope import StepEnvelope
from steprunners.errors import Cancelled, ConnectionFailed, DeadlineExceeded
from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.masking.masker import Masker
from steprunners.references.resolution import Scope, resolve_tracked
from steprunners.registry import check_connection, connection_classes, runners, step_types
from steprunners.runner import AnyRunner, Finished, Outcome, Park, StepContext, StepRunner
from tests.steprunners.conftest import LOOPBACK, MakeContext
from tests.steprunners.connections import example_connection, silent_connection
from tests.steprunners.target import Exchange, Target, shop

RUNNERS = [pytest.param(runner, id=runner.type) for runner in step_types()]
CALLERS = [pytest.param(runner, id=runner.type) for runner in step_types() if runner.has_deadline]
#: Step types whose outcome is the engine's to carry out.
DELEGATING = {"condition", "flow"}
#: What the examples ask of HTTP servers.
SILENT_PATHS = ("/orders", "/loki/api/v1/query_range", "/api/v1/query_range")


@pytest.fixture
def scope(target: Target) -> Scope:
    """The variables that the examples refer to, with a shop behind them."""
    shop(target)
    return Scope(variables={"base_url": target.url}, secrets=frozenset({"base_url"}))


@pytest.fixture
def silent() -> Iterator[Target]:
    """A server that takes everything and never answers, whatever the protocol."""
    with Target() as server:
        for path in SILENT_PATHS:
            server.route(path, Exchange.hang)
        yield server


@pytest.fixture
def silent_scope(silent: Target) -> Scope:
    """The same variables with that server behind them."""
    return Scope(variables={"base_url": silent.url}, secrets=frozenset())


@pytest.fixture
def connection(request: pytest.FixtureRequest, runner: AnyRunner) -> ConnectionConfig | None:
    """What the example's `resourceId` leads to."""
    return example_connection(runner, request)


def example(runner: AnyRunner) -> StepEnvelope:
    return StepEnvelope.model_validate(runner.example)


def configured(runner: AnyRunner, scope: Scope) -> tuple[StepConfig, Json]:
    """Return the example's config and its request as it is stored, made as an attempt makes them."""
    kind, meta = runner.config_class, example(runner).meta
    open_meta = {key: value for key, value in meta.items() if key not in kind.unresolved}
    resolved = resolve_tracked(open_meta, scope, lambda path, _value: kind.grammar_of(path, meta))
    assert isinstance(resolved.value, dict)
    return kind.model_validate({**meta, **resolved.value}), resolved.masked


def context_for(
    make_context: MakeContext, scope: Scope, connection: ConnectionConfig | None, seconds: float = 10.0
) -> StepContext[Any]:
    return make_context(
        seconds, connection=connection, evaluate=lambda condition: evaluate_condition(condition, scope)
    )


def run_to_its_end(runner: AnyRunner, config: StepConfig, context: StepContext[Any]) -> Outcome:
    outcome: Outcome = runner.run(config, context)
    while isinstance(outcome, Park):
        context.state = json.loads(json.dumps(outcome.state))
        time.sleep(outcome.delay_ms / 1000)
        outcome = runner.run(config, context)
    return outcome


def test_the_step_types_of_the_contract() -> None:
    assert {"http", "delay", "condition", "flow"} <= {runner.type for runner in step_types()}
    assert runners()["if"] is runners()["condition"]
    assert connection_classes()["http"] is runners()["http"].connection_class


@pytest.mark.parametrize("runner", RUNNERS)
class TestEveryStepType:
    def test_says_what_it_is(self, runner: AnyRunner) -> None:
        assert runner.label
        assert runner.description.endswith(".")
        assert example(runner).step_type == runner.type

    def test_schemas_export(self, runner: AnyRunner) -> None:
        for model in (runner.config_class, runner.result_class, runner.connection_class):
            if model is not None:
                schema = model.model_json_schema(by_alias=True)
                Draft202012Validator.check_schema(schema)
                json.dumps(schema, allow_nan=False)

    def test_example_holds_to_the_schema(self, runner: AnyRunner, scope: Scope) -> None:
        config, _ = configured(runner, scope)
        wire = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
        Draft202012Validator(runner.config_class.model_json_schema(by_alias=True)).validate(wire)
        assert runner.config_class.model_validate(wire) == config

    def test_unknown_keys_are_refused(self, runner: AnyRunner, scope: Scope) -> None:
        config, _ = configured(runner, scope)
        wire = config.model_dump(by_alias=True, exclude_unset=True)
        with pytest.raises(ValidationError) as caught:
            runner.config_class.model_validate({**wire, "noSuchKey": 1})
        assert caught.value.errors()[0]["loc"] == ("noSuchKey",)

    def test_grammars_and_unresolved_parts_name_fields(self, runner: AnyRunner) -> None:
        fields = runner.config_class.model_json_schema(by_alias=True)["properties"]
        assert {path.split(".")[0] for path in runner.config_class.grammars} <= set(fields)
        assert runner.config_class.unresolved <= set(fields)

    def test_example_runs(
        self,
        runner: AnyRunner,
        scope: Scope,
        make_context: MakeContext,
        connection: ConnectionConfig | None,
    ) -> None:
        config, _ = configured(runner, scope)
        outcome = run_to_its_end(runner, config, context_for(make_context, scope, connection))
        if runner.type in DELEGATING:
            assert not isinstance(outcome, Finished | Park)
            return
        assert isinstance(outcome, Finished)
        assert json.loads(json.dumps(outcome.result, allow_nan=False)) == outcome.result
        shown = runner.result_class.model_validate(outcome.result).model_dump(mode="json", by_alias=True)
        assert {**shown, **outcome.result} == shown

    def test_implied_assertions_hold_for_the_example(
        self,
        runner: AnyRunner,
        scope: Scope,
        make_context: MakeContext,
        connection: ConnectionConfig | None,
    ) -> None:
        config, _ = configured(runner, scope)
        outcome = run_to_its_end(runner, config, context_for(make_context, scope, connection))
        if isinstance(outcome, Finished):
            judged = evaluate_all(runner.expectations(config, frozenset()), outcome.result)
            assert [each.message for each in judged if not each.passed] == []

    def test_secrets_are_masked(
        self,
        runner: AnyRunner,
        scope: Scope,
        make_context: MakeContext,
        connection: ConnectionConfig | None,
    ) -> None:
        config, request = configured(runner, scope)
        outcome = run_to_its_end(runner, config, context_for(make_context, scope, connection))
        result = outcome.result if isinstance(outcome, Finished) else {}
        base_url = str(scope.variables["base_url"])
        stored = json.dumps(Masker([base_url]).mask([request, result]), ensure_ascii=False)
        assert base_url not in stored
        assert (MASK in stored) == ("${base_url}" in json.dumps(runner.example))

    def test_inline_steps_are_left_unresolved(self, runner: AnyRunner) -> None:
        kept = {inner.place[0] for inner in runner.inline_steps(runner.example["meta"])}
        assert kept <= runner.config_class.unresolved

    def test_odd_metas_hold_no_steps_and_no_flows(self, runner: AnyRunner) -> None:
        fields = runner.config_class.model_json_schema(by_alias=True)["properties"]
        odd_values: list[Any] = [None, 5, "x", [None, 5, "x", []], {"steps": 5}]
        for odd in odd_values:
            meta = dict.fromkeys(fields, odd)
            assert all(isinstance(inner.steps, list) for inner in runner.inline_steps(meta))
            assert all(each.place for each in runner.flow_ids(meta))
            assert all(place for place, _ in runner.conditions(meta))

    def test_a_resource_can_be_checked(self, runner: AnyRunner) -> None:
        has_check = type(runner).check is not StepRunner.check
        assert has_check == (runner.resource_type is not None) == (runner.connection_class is not None)

    def test_secret_fields_are_write_only(self, runner: AnyRunner) -> None:
        if runner.connection_class is not None:
            fields = runner.connection_class.model_json_schema(by_alias=True)["properties"]
            assert runner.connection_class.secret_fields() <= set(fields)


def test_a_connection_is_checked_by_its_resource_type() -> None:
    connection = connection_classes()["redis"].model_validate({"host": "127.0.0.1", "port": 1})
    with pytest.raises(ConnectionFailed):
        check_connection("redis", connection, LOOPBACK, Deadline(5))


@pytest.mark.parametrize("runner", CALLERS)
class TestEveryStepTypeThatCalls:
    def test_the_deadline_ends_it_on_time(
        self, runner: AnyRunner, silent: Target, silent_scope: Scope, make_context: MakeContext
    ) -> None:
        config, _ = configured(runner, silent_scope)
        connection = silent_connection(runner, silent.port)
        context = context_for(make_context, silent_scope, connection, seconds=0.3)
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            run_to_its_end(runner, config, context)
        assert 0.25 < time.monotonic() - started < 30

    def test_cancel_ends_it(
        self, runner: AnyRunner, silent: Target, silent_scope: Scope, make_context: MakeContext
    ) -> None:
        config, _ = configured(runner, silent_scope)
        connection = silent_connection(runner, silent.port)
        context = context_for(make_context, silent_scope, connection, seconds=90)
        threading.Timer(0.2, context.cancellation.cancel).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            run_to_its_end(runner, config, context)
        assert time.monotonic() - started < 30
