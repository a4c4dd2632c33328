"""What a step may have around its `meta`, and its old names."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from steprunners.documents.envelope import (
    DEFAULT_TIMEOUT_MS,
    RESERVED_NAMES,
    StepEnvelope,
    dump,
    hoist_old_names,
    timeout_ms_of,
)

HOLDS = [{"field": "status", "operator": "equals", "expectedValue": 200}]


def envelope(**fields: Any) -> StepEnvelope:
    return StepEnvelope.model_validate({"name": "one", "stepType": "http", **fields})


def test_defaults() -> None:
    step = envelope()
    assert not any((step.disabled, step.run_in_background, step.continue_on_failure, step.always_run))
    assert (step.retry, step.until, step.when, step.for_each) == (None, None, None, None)
    assert timeout_ms_of(step) == DEFAULT_TIMEOUT_MS == 30_000


def test_defaults_of_the_policies() -> None:
    step = envelope(retry={}, until={}, assertions=HOLDS)
    assert step.retry is not None
    assert step.until is not None
    assert step.retry.model_dump(by_alias=True) == {
        "maxRetries": 3, "initialDelayMs": 1_000, "backoffMultiplier": 2.0, "maxDelayMs": 30_000, "jitter": False,
        "retryOn": ["ERROR", "FAILED"],
    }  # fmt: skip
    assert step.until.model_dump(by_alias=True) == {
        "timeoutMs": 30_000, "intervalMs": 1_000, "backoffMultiplier": 1.0, "maxIntervalMs": 30_000, "failIf": [],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["a", "_", "A-b_9", "x" * 64])
def test_names(name: str) -> None:
    assert envelope(name=name).name == name


@pytest.mark.parametrize(
    "name", ["", "9a", "-a", "a b", "a.b", "ä", "x" * 65, "a\n", *sorted(RESERVED_NAMES)]
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        envelope(name=name)


@pytest.mark.parametrize(
    "fields",
    [
        {"timeoutMs": 0},
        {"timeoutMs": 3_600_001},
        {"retry": {"maxRetries": -1}},
        {"retry": {"backoffMultiplier": 0.5}},
        {"retry": {"backoffMultiplier": float("nan")}},
        {"retry": {"backoffMultiplier": float("inf")}},
        {"retry": {"initialDelayMs": -1}},
        {"retry": {"retryOn": ["SKIPPED"]}},
        {"until": {"intervalMs": 0}, "assertions": HOLDS},
        {"until": {"timeoutMs": 0}, "assertions": HOLDS},
        {"until": {}},
        {"until": {}, "assertions": []},
        {"runInBackground": True, "alwaysRun": True},
        {"unknown": 1},
        {"extract": {"9bad": "status"}},
        {"extract": {"x": ""}},
        {"extract": {"x": {"path": "status", "other": 1}}},
        {"forEach": 3},
    ],
)
def test_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        envelope(**fields)


@pytest.mark.parametrize("timeout_ms", [1, 3_600_000])
def test_the_timeout_s_bounds(timeout_ms: int) -> None:
    assert timeout_ms_of(envelope(timeoutMs=timeout_ms)) == timeout_ms


def test_retry_on_in_any_case() -> None:
    step = envelope(retry={"retryOn": ["error", "Failed"]})
    assert step.retry is not None
    assert step.retry.retry_on == ["ERROR", "FAILED"]


def test_an_extract_is_a_path_or_says_that_it_is_secret() -> None:
    step = envelope(extract={"a": "body.id", "b": {"path": "body.token", "secret": True}})
    assert (step.extract["a"].path, step.extract["a"].secret) == ("body.id", False)
    assert step.extract["b"].secret


def test_old_names() -> None:
    step = envelope(continueOnSuccess=True, meta={"url": "u", "timeout": 5_000, "assertions": HOLDS})
    assert step.continue_on_failure
    assert step.timeout_ms == 5_000
    assert len(step.assertions) == 1
    assert step.meta == {"url": "u"}


@pytest.mark.parametrize(
    "fields",
    [
        {"continueOnSuccess": True, "continueOnFailure": True},
        {"timeoutMs": 5, "meta": {"timeout": 5}},
        {"assertions": HOLDS, "meta": {"assertions": HOLDS}},
    ],
)
def test_the_same_thing_in_both_places(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"both|old name"):
        hoist_old_names({"name": "one", "stepType": "http", **fields})


def test_only_http_has_these_places() -> None:
    step = {"name": "one", "stepType": "kafka_subscribe", "meta": {"timeout": 5}}
    assert hoist_old_names(step) == step


def test_what_is_given_is_not_changed() -> None:
    meta = {"url": "u", "timeout": 5}
    hoist_old_names({"name": "one", "stepType": "http", "meta": meta})
    assert meta == {"url": "u", "timeout": 5}


def test_dump_leaves_defaults_out_and_comes_back() -> None:
    step = envelope(retry={"maxRetries": 1}, extract={"x": "status"}, meta={"url": "u"}, disabled=True)
    shown = dump(step)
    assert shown == {
        "name": "one", "stepType": "http", "meta": {"url": "u"}, "disabled": True, "retry": {"maxRetries": 1},
        "extract": {"x": {"path": "status"}},
    }  # fmt: skip
    assert StepEnvelope.model_validate(shown) == step
