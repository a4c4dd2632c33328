"""The call of an attempt: resolved config, deadline, errors of the runner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import Field, ValidationError

from steprunners.config import StepConfig
from steprunners.documents.problems import Place
from steprunners.lifecycle.call import first_problem, prepare
from steprunners.masking.known_secrets import KnownSecrets
from steprunners.registry import find_runner
from steprunners.runner import (
    Outcome,
    Park,
    StepContext,
)
from tests.steprunners.lifecycle.scripted import (
    GOOD,
    LOST,
    Scripted,
    ScriptedConfig,
    SevenDays,
    bench,
)


class DelayConfig(StepConfig):
    """A config with a number."""

    delay_ms: int = Field(ge=0)


def test_an_error_has_its_code() -> None:
    ended = bench(LOST).finish()
    assert (ended.status, ended.error) == ("ERROR", {"code": "connection_failed", "message": "no"})


def test_a_bug_in_a_runner_ends_the_step_with_an_error() -> None:
    ended = bench(ZeroDivisionError("secret detail")).finish()
    assert ended.status == "ERROR"
    assert ended.error == {
        "code": "internal_error",
        "message": "the step type failed with an unexpected ZeroDivisionError",
    }


def test_a_reference_without_a_value_prevents_the_call() -> None:
    tested = bench(GOOD, meta={"value": "${nothing}"})
    ended = tested.finish()
    assert ended.error is not None
    assert ended.error["code"] == "bad_reference"
    assert "meta.value" in ended.error["message"]
    assert tested.runner.configs == []


def test_an_invalid_resolved_config_is_an_error() -> None:
    ended = bench(GOOD, meta={"other": 1}).finish()
    assert ended.error == {"code": "bad_config", "message": "meta.other: there is no field 'other' here"}


def test_a_condition_resolves_what_is_outside_its_branches() -> None:
    branch = {"condition": {"left": "${word}", "operator": "exists"}, "flowId": "${word}"}
    meta = {"branches": [branch], "elseFlowId": "${word}", "terminateOnNoMatch": "${no}"}
    work = bench(GOOD, meta=meta, variables={"word": "other", "no": False}).work
    condition = find_runner("condition")
    assert condition is not None
    prepared = prepare(replace(work, runner=condition))
    resolved = {"branches": [branch], "elseFlowId": "other", "terminateOnNoMatch": False}
    assert prepared.request == prepared.config.model_dump(by_alias=True, exclude_unset=True) == resolved


@pytest.mark.parametrize(
    ("value", "place", "message"),
    [
        ({"delayMs": "soon"}, ("meta",), "meta.delayMs: delayMs must be a whole number, not text"),
        ({"delayMs": -1}, (), "delayMs: delayMs must be at least 0"),
        ("soon", (), "the document must be an object, not text"),
    ],
)
def test_the_first_problem_has_the_words_of_saving(value: Any, place: Place, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        DelayConfig.model_validate(value)
    assert first_problem(caught.value, value, DelayConfig, place) == message


def test_the_deadline_counts_parked_time() -> None:
    tested = bench(Park(400, {"k": 1}), GOOD, timeoutMs=1_000)
    assert tested.finish().status == "SUCCESS"
    assert [context.deadline.seconds for context in tested.runner.contexts] == [1.0, 0.6]
    assert [context.state for context in tested.runner.contexts] == [None, {"k": 1}]


def test_a_step_that_only_waits_has_no_deadline() -> None:
    week_ms = 7 * 86_400_000
    tested = bench(Park(week_ms, {}), GOOD, runner=SevenDays)
    assert tested.finish().status == "SUCCESS"
    assert min(context.deadline.seconds for context in tested.runner.contexts) * 1_000 > week_ms


def test_secrets_are_saved_before_the_call_sends_them() -> None:
    class Saving(KnownSecrets):
        saved: tuple[str, ...] = ()

        def save(self) -> None:
            self.saved = self.texts

    class Looking(Scripted):
        def run(self, config: ScriptedConfig, context: StepContext[Any]) -> Outcome:
            assert isinstance(context.known_secrets, Saving)
            assert context.known_secrets.saved == ("YS1sb25nLXNlY3JldA==",)
            return super().run(config, context)

    tested = bench(GOOD, runner=Looking, meta={"value": "${base64(key)}"}, variables={"key": "a-long-secret"})
    known = Saving()
    scope = replace(tested.work.scope, secrets=frozenset({"key"}), known_secrets=known)
    tested.work = replace(tested.work, scope=scope, known_secrets=known)
    assert tested.finish().status == "SUCCESS"
