"""One attempt and what comes next, with a step type that does what the test says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.config import StepConfig, StepResult
from steprunners.deadline import Cancellation, Deadline
from steprunners.documents.envelope import StepEnvelope
from steprunners.errors import BadReference, Cancelled, ConnectionFailed
from steprunners.lifecycle.advance import SITTING_MS, Work, advance, is_wanted
from steprunners.lifecycle.attempts import Answer, Attempt, Delegated, Ended, Move, Progress, Waiting
from steprunners.lifecycle.pacing import next_wait
from steprunners.masking.credentials import MASK
from steprunners.masking.known_secrets import KnownSecrets
from steprunners.network import NetworkPolicy
from steprunners.references.resolution import Scope
from steprunners.runner import (
    ExecutionFacts,
    Finished,
    Outcome,
    Park,
    RunChild,
    StepContext,
    StepRunner,
    TakeBranch,
)

NOW = 1_700_000_000_000


class ScriptedConfig(StepConfig):
    """Any value."""

    value: Any = None


class Scripted(StepRunner[ScriptedConfig, None]):
    """Gives one outcome after the other (the last for ever); an exception is raised."""

    type = "scripted"
    label = description = "Scripted"
    result_class = StepResult
    example: ClassVar[dict[str, Any]] = {}

    def __init__(self, outcomes: Sequence[Outcome | Exception]) -> None:
        self.outcomes = list(outcomes)
        self.configs: list[Any] = []
        self.contexts: list[StepContext[Any]] = []

    def run(self, config: ScriptedConfig, context: StepContext[Any]) -> Outcome:
        self.configs.append(config.value)
        self.contexts.append(context)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class SevenDays(Scripted):
    """Has no deadline, as a delay."""

    has_deadline = False


@dataclass
class Bench:
    """A step with a clock that the test moves, carried on from wait to wait."""

    work: Work
    runner: Scripted
    now_ms: int = NOW
    waits: list[int] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)

    def advance(self, answer: Answer | None = None) -> Move:
        """Advance once, with the progress as it comes back from storage."""
        stored = json.loads(json.dumps(self.progress.to_json()))
        move = advance(self.work, Progress.from_json(stored), self.attempts.append, answer)
        if isinstance(move, Waiting | Delegated):
            self.progress = move.progress
        if isinstance(move, Waiting) and move.attempt is not None:
            self.attempts.append(move.attempt)
        return move

    def finish(self, most: int = 1_000) -> Attempt:
        """Go on, the clock moving by each wait, until the step has ended."""
        for _ in range(most):
            move = self.advance()
            if isinstance(move, Ended):
                self.attempts.append(move.attempt)
                return move.attempt
            assert isinstance(move, Waiting)
            self.waits.append(move.delay_ms)
            self.now_ms += move.delay_ms
        raise AssertionError(f"still going on after {most} waits")


def bench(
    *outcomes: Outcome | Exception,
    runner: type[Scripted] = Scripted,
    variables: Mapping[str, Any] | None = None,
    **step: Any,
) -> Bench:
    scripted = runner(outcomes)
    envelope = StepEnvelope.model_validate({"name": "step", "stepType": "scripted", **step})
    made: list[Bench] = []

    def context(config: StepConfig, seconds: float, scope: Scope) -> StepContext[Any]:
        facts, known = ExecutionFacts("e", NOW), made[0].work.known_secrets
        return StepContext(Deadline(seconds), Cancellation(), NetworkPolicy(), facts, known_secrets=known)

    scope = Scope(variables=dict(variables or {}))
    work = Work(envelope, scripted, scope, lambda: made[0].now_ms, context)
    made.append(Bench(work, scripted))
    return made[0]


GOOD, BAD = Finished({"n": 1}), Finished({"n": 0})
HOLDS = [{"field": "n", "operator": "equals", "expectedValue": 1}]
LOST = ConnectionFailed("no")


# --- one attempt ----------------------------------------------------------------------------------


def test_success_without_assertions() -> None:
    ended = bench(GOOD).finish()
    assert (ended.status, ended.result, ended.error) == ("SUCCESS", {"n": 1, "durationMs": 0}, None)


def test_a_failed_assertion_is_failed_and_every_outcome_is_kept() -> None:
    others = [{"field": "n", "operator": "exists"}, {"field": "gone", "operator": "exists"}]
    ended = bench(BAD, assertions=[*HOLDS, *others]).finish()
    assert ended.status == "FAILED"
    assert [outcome["passed"] for outcome in ended.assertions] == [False, True, False]


def test_an_error_says_its_code() -> None:
    ended = bench(LOST).finish()
    assert (ended.status, ended.error) == ("ERROR", {"code": "connection_failed", "message": "no"})


def test_a_bug_of_a_step_type_ends_the_step() -> None:
    ended = bench(ZeroDivisionError("secret detail")).finish()
    assert ended.status == "ERROR"
    assert ended.error == {
        "code": "internal_error",
        "message": "unexpected ZeroDivisionError in the step type",
    }


def test_a_cancelled_call_is_cancelled_and_not_retried() -> None:
    tested = bench(Cancelled("stop"), retry={"maxRetries": 5})
    assert tested.finish().status == "CANCELLED"
    assert tested.waits == []


def test_a_reference_without_a_value_is_an_error_before_the_call() -> None:
    tested = bench(GOOD, meta={"value": "${nothing}"})
    ended = tested.finish()
    assert ended.error is not None
    assert ended.error["code"] == "bad_reference"
    assert "meta.value" in ended.error["message"]
    assert tested.runner.configs == []


def test_a_config_that_is_not_valid_once_resolved_is_an_error() -> None:
    ended = bench(GOOD, meta={"other": 1}).finish()
    assert ended.error is not None
    assert ended.error["code"] == "bad_config"


def test_expected_values_may_be_references() -> None:
    rule = {"field": "n", "operator": "equals", "expectedValue": "${wanted}"}
    assert bench(GOOD, assertions=[rule], variables={"wanted": 1}).finish().status == "SUCCESS"
    assert bench(GOOD, assertions=[rule], variables={"wanted": 2}).finish().status == "FAILED"
    assert bench(GOOD, assertions=[rule]).finish().status == "ERROR"


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


def test_a_new_attempt_begins_without_the_last_one_s_parked_state() -> None:
    tested = bench(Park(5, {"k": 1}), LOST, GOOD, retry={"maxRetries": 1, "initialDelayMs": 7})
    tested.finish()
    assert [context.state for context in tested.runner.contexts] == [None, {"k": 1}, None]


# --- extract --------------------------------------------------------------------------------------


class Counting(Scripted):
    """Sets an origin where the step has none: the number of calls until then."""

    def run(self, config: ScriptedConfig, context: StepContext[Any]) -> Outcome:
        if context.origin is None:
            context.origin = len(self.contexts)
        return super().run(config, context)


def test_the_origin_is_that_of_the_first_attempt_also_of_one_that_was_an_error() -> None:
    going = bench(LOST, Park(10, {}), BAD, GOOD, runner=Counting, assertions=HOLDS, retry={})
    assert going.finish().status == "SUCCESS"
    assert [context.origin for context in going.runner.contexts] == [0, 0, 0, 0]


def test_each_item_has_an_origin_of_its_own() -> None:
    going = bench(LOST, GOOD, GOOD, runner=Counting, forEach=["a", "b"], retry={})
    assert going.finish().status == "SUCCESS"
    assert [context.origin for context in going.runner.contexts] == [0, 0, 2]


def test_extract_takes_from_the_attempt_that_ends_the_step() -> None:
    tested = bench(BAD, GOOD, assertions=HOLDS, extract={"x": "n"}, retry={"initialDelayMs": 0})
    assert tested.finish().extracted == {"x": 1}


def test_extract_without_a_value_makes_a_success_an_error() -> None:
    ended = bench(GOOD, extract={"x": "n", "y": "gone.deep"}).finish()
    assert ended.status == "ERROR"
    assert ended.extracted == {}
    assert ended.error is not None
    assert ended.error["code"] == "extract_failed"
    assert "extract.y" in ended.error["message"]


def test_extract_without_a_value_is_left_out_on_failed() -> None:
    ended = bench(BAD, assertions=HOLDS, extract={"x": "n", "y": "gone"}).finish()
    assert (ended.status, ended.extracted) == ("FAILED", {"x": 0})


def test_an_error_extracts_nothing() -> None:
    assert bench(LOST, extract={"x": "n"}).finish().extracted == {}


# --- retry ----------------------------------------------------------------------------------------


def test_retry_waits_as_the_contract_says() -> None:
    policy = {"maxRetries": 5, "initialDelayMs": 1_000, "backoffMultiplier": 3, "maxDelayMs": 20_000}
    tested = bench(LOST, retry=policy)
    assert tested.finish().status == "ERROR"
    assert tested.waits == [1_000, 3_000, 9_000, 20_000, 20_000]
    assert [attempt.waited_ms for attempt in tested.attempts] == [0, 1_000, 3_000, 9_000, 20_000, 20_000]


@pytest.mark.parametrize(
    ("retry_on", "outcome", "calls"),
    [
        (["ERROR", "FAILED"], LOST, 3),
        (["ERROR", "FAILED"], BAD, 3),
        (["ERROR"], LOST, 3),
        (["ERROR"], BAD, 1),
        (["FAILED"], LOST, 1),
        (["FAILED"], BAD, 3),
        ([], BAD, 1),
    ],
)
def test_retry_on(retry_on: list[str], outcome: Outcome | Exception, calls: int) -> None:
    policy = {"maxRetries": 2, "initialDelayMs": 1, "retryOn": retry_on}
    tested = bench(outcome, assertions=HOLDS, retry=policy)
    tested.finish()
    assert len(tested.runner.configs) == calls


# --- until ----------------------------------------------------------------------------------------


def test_until_polls_until_the_assertions_hold() -> None:
    tested = bench(BAD, BAD, GOOD, assertions=HOLDS, until={"intervalMs": 300})
    assert tested.finish().status == "SUCCESS"
    assert tested.waits == [300, 300]


def test_until_backs_off() -> None:
    until = {"timeoutMs": 100_000, "intervalMs": 1_000, "backoffMultiplier": 2, "maxIntervalMs": 5_000}
    tested = bench(BAD, BAD, BAD, BAD, GOOD, assertions=HOLDS, until=until)
    tested.finish()
    assert tested.waits == [1_000, 2_000, 4_000, 5_000]


def test_until_tries_a_last_time_at_its_very_end() -> None:
    tested = bench(BAD, assertions=HOLDS, until={"timeoutMs": 2_500, "intervalMs": 1_000})
    assert tested.finish().status == "FAILED"
    assert tested.waits == [1_000, 1_000, 500]


def test_fail_if_ends_until_at_once() -> None:
    rule = [{"field": "n", "operator": "lt", "expectedValue": 0}]
    tested = bench(BAD, Finished({"n": -1}), GOOD, assertions=HOLDS, until={"failIf": rule})
    assert tested.finish().status == "FAILED"
    assert len(tested.runner.configs) == 2


def test_fail_if_does_not_fail_what_holds() -> None:
    rule = [{"field": "n", "operator": "exists"}]
    assert bench(GOOD, assertions=HOLDS, until={"failIf": rule}).finish().status == "SUCCESS"


def test_fail_if_ends_it_although_failed_is_retried() -> None:
    rule = [{"field": "n", "operator": "equals", "expectedValue": 0}]
    tested = bench(BAD, assertions=HOLDS, until={"failIf": rule}, retry={"maxRetries": 5})
    assert tested.finish().status == "FAILED"
    assert len(tested.runner.configs) == 1


def test_an_error_ends_until() -> None:
    tested = bench(BAD, LOST, GOOD, assertions=HOLDS, until={"intervalMs": 10})
    assert tested.finish().status == "ERROR"
    assert tested.waits == [10]


def test_an_error_inside_until_spends_the_retries_that_cover_it() -> None:
    policy = {"maxRetries": 2, "initialDelayMs": 7, "backoffMultiplier": 2, "retryOn": ["ERROR"]}
    script: list[Any] = [LOST, BAD, LOST, BAD, LOST, GOOD]
    tested = bench(*script, assertions=HOLDS, until={"intervalMs": 100}, retry=policy)
    assert tested.finish().status == "ERROR"
    assert tested.waits == [7, 100, 14, 100]


def test_retry_on_failed_has_no_effect_beside_until() -> None:
    policy = {"maxRetries": 50, "initialDelayMs": 1, "retryOn": ["FAILED"]}
    until = {"timeoutMs": 250, "intervalMs": 100}
    tested = bench(BAD, assertions=HOLDS, until=until, retry=policy)
    assert tested.finish().status == "FAILED"
    assert tested.waits == [100, 100, 50]
    assert bench(LOST, assertions=HOLDS, until=until, retry=policy).finish().status == "ERROR"


def test_next_wait_of_what_has_ended() -> None:
    step = bench(GOOD, retry={}).work.step
    for status in ("SUCCESS", "CANCELLED"):
        assert next_wait(step, Attempt(status, NOW, NOW), Progress(), NOW) is None


@given(
    st.lists(st.sampled_from([BAD, LOST, Park(3, {})]), min_size=1, max_size=12),
    st.integers(0, 6),
    st.one_of(st.none(), st.integers(1, 400)),
)
def test_any_sequence_of_attempts_ends(script: list[Any], retries: int, timeout_ms: int | None) -> None:
    until: dict[str, Any] = (
        {} if timeout_ms is None else {"until": {"timeoutMs": timeout_ms, "intervalMs": 5}}
    )
    retry = {"maxRetries": retries, "initialDelayMs": 2, "maxDelayMs": 9}
    ended = bench(*script, LOST, assertions=HOLDS, retry=retry, **until).finish(most=400)
    assert ended.status in ("FAILED", "ERROR")


# --- forEach --------------------------------------------------------------------------------------


def test_for_each_item_in_order() -> None:
    tested = bench(
        Finished({"n": 1, "durationMs": 5}), Finished({"n": 2, "durationMs": 6}),
        forEach=["a", "b"], meta={"value": "${item}${index}"}, extract={"last": "n"},
    )  # fmt: skip
    ended = tested.finish()
    assert tested.runner.configs == ["a0", "b1"]
    assert ended.result == {
        "items": [{"n": 1, "durationMs": 5}, {"n": 2, "durationMs": 6}], "count": 2, "durationMs": 11,
    }  # fmt: skip
    assert ended.extracted == {"last": 2}
    assert [attempt.item for attempt in tested.attempts] == [0, 1]


def test_a_long_for_each_rests_between_items_and_goes_on_where_it_was() -> None:
    tested = bench(*[Finished({"n": each}) for each in range(4)], forEach=[0, 1, 2, 3], extract={"last": "n"})
    ticks = iter(range(0, 1_000_000, SITTING_MS // 8))
    tested.work = replace(tested.work, now_ms=lambda: NOW + next(ticks))
    ended = tested.finish()
    assert len(tested.waits) > 0
    assert set(tested.waits) == {0}
    assert ended.result is not None
    assert (ended.result["count"], ended.extracted) == (4, {"last": 3})
    assert [attempt.item for attempt in tested.attempts] == [0, 1, 2, 3]


def test_for_each_of_nothing_succeeds() -> None:
    ended = bench(GOOD, forEach=[]).finish()
    assert (ended.status, ended.result) == ("SUCCESS", {"items": [], "count": 0, "durationMs": 0})


def test_for_each_takes_a_reference_to_a_list() -> None:
    tested = bench(
        GOOD, forEach="${rows}", meta={"value": "${item.id}"}, variables={"rows": [{"id": 1}, {"id": 2}]}
    )
    tested.finish()
    assert tested.runner.configs == [1, 2]


@pytest.mark.parametrize("variables", [{"rows": "no list"}, {"rows": {"a": 1}}, {}])
def test_for_each_of_no_list_is_an_error(variables: dict[str, Any]) -> None:
    ended = bench(GOOD, forEach="${rows}", variables=variables).finish()
    assert ended.status == "ERROR"
    assert ended.error is not None
    assert ended.error["code"] == "bad_reference"


@pytest.mark.parametrize(
    ("value", "found"), [("abc", "text"), (5, "a whole number"), ({"a": 1}, "an object"), (True, "true")]
)
def test_for_each_says_what_it_got_in_place_of_a_list(value: Any, found: str) -> None:
    error = bench(GOOD, forEach="${rows}", variables={"rows": value}).finish().error
    assert error is not None
    assert error["message"] == f"forEach needs a list, and ${{rows}} is {found}"


def test_for_each_goes_on_at_its_item_after_a_wait_and_keeps_every_attempt() -> None:
    tested = bench(
        GOOD, BAD, GOOD, GOOD, forEach=[1, 2, 3], assertions=HOLDS, meta={"value": "${item}"}, retry={}
    )
    assert tested.finish().status == "SUCCESS"
    assert tested.runner.configs == [1, 2, 2, 3]
    history = [(attempt.item, attempt.status) for attempt in tested.attempts]
    assert history == [(0, "SUCCESS"), (1, "FAILED"), (1, "SUCCESS"), (2, "SUCCESS")]


def test_each_item_has_retries_of_its_own() -> None:
    policy = {"maxRetries": 1, "initialDelayMs": 10}
    tested = bench(BAD, GOOD, BAD, GOOD, forEach=[1, 2], assertions=HOLDS, retry=policy)
    assert tested.finish().status == "SUCCESS"
    assert tested.waits == [10, 10]


def test_for_each_stops_at_the_first_failure() -> None:
    tested = bench(GOOD, BAD, GOOD, forEach=[1, 2, 3], assertions=HOLDS)
    ended = tested.finish()
    assert (ended.status, ended.item) == ("FAILED", 1)
    assert ended.result is not None
    assert ended.result["count"] == 2


def test_for_each_runs_one_child_an_item_and_keeps_every_attempt() -> None:
    tested = bench(RunChild("flow"), forEach=[1, 2])
    assert isinstance(tested.advance(), Delegated)
    assert isinstance(tested.advance(Answer({"n": 1})), Delegated)
    assert [attempt.result for attempt in tested.attempts] == [{"n": 1, "durationMs": 0}]
    ended = tested.advance(Answer({"n": 2}))
    assert isinstance(ended, Ended)
    assert ended.attempt.result is not None
    assert ended.attempt.result["count"] == 2


# --- branches and children ------------------------------------------------------------------------


@pytest.mark.parametrize("wish", [TakeBranch(0), TakeBranch(None), RunChild("flow", 2)])
def test_a_branch_or_child_is_asked_for(wish: Any) -> None:
    move = bench(wish, meta={"value": 1}).advance()
    assert isinstance(move, Delegated)
    assert (move.wish, move.request) == (wish, {"value": 1})


def test_an_answer_ends_the_step_without_another_call() -> None:
    tested = bench(TakeBranch(0), assertions=HOLDS, extract={"x": "n"})
    tested.advance()
    move = tested.advance(Answer({"n": 1}))
    assert isinstance(move, Ended)
    assert (move.attempt.status, move.attempt.extracted) == ("SUCCESS", {"x": 1})
    assert len(tested.runner.configs) == 1


def test_a_failed_branch_fails_its_step() -> None:
    tested = bench(TakeBranch(0), extract={"x": "n"})
    tested.advance()
    move = tested.advance(Answer({"n": 1}, failure="step a failed"))
    assert isinstance(move, Ended)
    assert (move.attempt.status, move.attempt.extracted) == ("FAILED", {})
    assert move.attempt.error == {"code": "branch_failed", "message": "step a failed"}


def test_a_failed_child_is_retried_as_another_child() -> None:
    tested = bench(RunChild("flow"), retry={"maxRetries": 1})
    tested.advance()
    tested.progress = replace(tested.progress, child="0197")
    assert isinstance(tested.advance(Answer({}, failure="no")), Waiting)
    assert tested.progress.child is None
    assert isinstance(tested.advance(), Delegated)


# --- when, progress, errors -----------------------------------------------------------------------


def test_when() -> None:
    condition = {"left": "${x}", "operator": "equals", "right": 1}
    assert is_wanted(bench(GOOD).work)
    assert is_wanted(bench(GOOD, when=condition, variables={"x": 1}).work)
    assert not is_wanted(bench(GOOD, when=condition, variables={"x": 2}).work)
    with pytest.raises(BadReference, match="when"):
        is_wanted(bench(GOOD, when=condition).work)
    assert not is_wanted(bench(GOOD, when={**condition, "operator": "exists"}).work)


def test_learned_secrets_are_remembered_even_after_an_error() -> None:
    class Learning(Scripted):
        def run(self, config: ScriptedConfig, context: StepContext[Any]) -> Outcome:
            context.known_secrets.add(["t0ken-value"])
            return super().run(config, context)

    for outcome in (GOOD, LOST):
        tested = bench(outcome, runner=Learning)
        tested.finish()
        assert tested.work.known_secrets.texts == ("t0ken-value",)


@pytest.mark.parametrize("expected", [1, 2])
def test_secret_extracts_are_known_as_secrets_however_the_attempt_ended(expected: int) -> None:
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


def test_secrets_are_saved_before_the_call_that_gives_them_away() -> None:
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


def test_a_secret_is_known_before_a_message_about_it_is_made() -> None:
    token = "Cnry" * 50
    extract = {"token": {"path": "body.token", "secret": True}}
    assertions = [{"field": "body.token", "operator": "equals", "expectedValue": "x"}]
    attempt = bench(Finished({"body": {"token": token}}), extract=extract, assertions=assertions).finish()
    assert "Cnry" not in str(attempt.assertions[0]["message"])


def test_what_is_secret_by_its_place_is_shown_masked() -> None:
    result: dict[str, Any] = {"headers": {"set-cookie": "sid=s1; Path=/"}, "cookies": {"sid": "s1"}}
    tested = bench(Finished(result), extract={"sid": "cookies.sid", "where": "headers"})
    attempt = tested.finish()
    assert attempt.result == {**result, "durationMs": 0}
    assert attempt.shown == {"headers": {"set-cookie": MASK}, "cookies": {"sid": MASK}, "durationMs": 0}
    assert attempt.secret_names == {"sid", "where"}


def test_of_a_loop_every_item_is_shown_masked() -> None:
    results = [Finished({"headers": {}, "cookies": {"sid": "s1"}}), GOOD]
    attempt = bench(*results, forEach=[1, 2], extract={"sid": "cookies.sid"}).finish()
    assert attempt.status == "ERROR", "the second item has no cookie"
    shown: Any = attempt.shown
    first, _second = shown["items"]
    assert first["cookies"] == {"sid": MASK}
