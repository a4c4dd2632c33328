"""Secrets in a result are known before anything of it is stored or quoted."""

from __future__ import annotations

from typing import Any

import pytest

from steprunners.masking.credentials import MASK
from steprunners.runner import (
    Finished,
    Outcome,
    StepContext,
)
from tests.steprunners.lifecycle.scripted import (
    GOOD,
    LOST,
    Scripted,
    ScriptedConfig,
    bench,
)


def test_secrets_learned_by_the_runner_stay_after_an_error() -> None:
    class Learning(Scripted):
        def run(self, config: ScriptedConfig, context: StepContext[Any]) -> Outcome:
            context.known_secrets.add(["t0ken-value"])
            return super().run(config, context)

    for outcome in (GOOD, LOST):
        tested = bench(outcome, runner=Learning)
        tested.finish()
        assert tested.work.known_secrets.texts == ("t0ken-value",)


@pytest.mark.parametrize("expected", [1, 2])
def test_secret_extracts_are_known_after_any_outcome(expected: int) -> None:
    extract = {
        "token": {"path": "body.token", "secret": True},
        "pin": {"path": "body.pin", "secret": True},
        "gone": {"path": "body.gone", "secret": True},
        "open": "body.open",
    }
    assertions = [{"field": "n", "operator": "equals", "expectedValue": expected}]
    result: dict[str, Any] = {
        "n": 1,
        "body": {"token": ["t0ken-value", {"deep": "t0ken-2"}], "pin": 1234567, "open": "seen"},
    }
    tested = bench(Finished(result), extract=extract, assertions=assertions)
    tested.finish()
    assert set(tested.work.known_secrets.texts) == {"t0ken-value", "t0ken-2", "1234567"}


def test_a_secret_is_known_before_a_message_quotes_it() -> None:
    token = "Cnry" * 50
    extract = {"token": {"path": "body.token", "secret": True}}
    assertions = [{"field": "body.token", "operator": "equals", "expectedValue": "x"}]
    attempt = bench(Finished({"body": {"token": token}}), extract=extract, assertions=assertions).finish()
    assert "Cnry" not in str(attempt.assertions[0]["message"])


def test_credentials_by_place_are_shown_masked() -> None:
    result: dict[str, Any] = {"headers": {"set-cookie": "sid=s1; Path=/"}, "cookies": {"sid": "s1"}}
    tested = bench(Finished(result), extract={"sid": "cookies.sid", "where": "headers"})
    attempt = tested.finish()
    assert attempt.result == {**result, "durationMs": 0}
    assert attempt.shown == {"headers": {"set-cookie": MASK}, "cookies": {"sid": MASK}, "durationMs": 0}
    assert attempt.secret_names == {"sid", "where"}
