"""One attempt of a step, and what comes next: pure, with no clock, database or queue of its own.

`advance` carries a step as far as it goes in one sitting: it runs an attempt (references → config → call under a
deadline → assertions → extract), and decides with `next_wait` whether the step has ended or has to wait. A `forEach`
goes through its items in the same way. What has to survive a wait is in `Progress`, which is JSON.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from steprunners.assertions.conditions import ConditionError, evaluate_condition
from steprunners.assertions.judging import Assertion, evaluate_all
from steprunners.budgets.effort import Stopped
from steprunners.budgets.given_up import as_step_work, with_step_errors
from steprunners.config import StepConfig
from steprunners.documents.envelope import StepEnvelope, timeout_ms_of
from steprunners.documents.problems import kind_of
from steprunners.errors import BadConfig, BadReference, StepError
from steprunners.json_types import Json
from steprunners.lifecycle.attempts import (
    ERROR,
    FAILED,
    SUCCESS,
    Answer,
    Attempt,
    Delegated,
    Ended,
    Move,
    Progress,
    Waiting,
    broken,
)
from steprunners.lifecycle.pacing import after_wait, next_wait
from steprunners.masking.credentials import MASK, credentials_of, shown_beside
from steprunners.masking.known_secrets import KnownSecrets, hiding
from steprunners.masking.masker import texts_of
from steprunners.references.resolution import ReferenceProblem, Scope, resolve_tracked
from steprunners.runner import (
    AnyRunner,
    Finished,
    Outcome,
    Park,
    RunChild,
    StepContext,
    TakeBranch,
)
from steprunners.values.paths import PathError, read_result

logger = logging.getLogger(__name__)

#: Steps that only wait have no deadline; this is longer than any of them waits (`delay`: 7 days).
LONGEST_WAIT_SECONDS = 30 * 86_400.0

#: A `forEach` that has been at it for so long rests, so that what it has done is stored and seen.
SITTING_MS = 2_000


@dataclass(frozen=True)
class Work:
    """A step with all that an attempt needs.

    `make_context` gets the valid config, the seconds until the deadline, and the scope (an item's in a `forEach`).
    `known_secrets` are those of the execution; what an attempt finds is added.
    """

    step: StepEnvelope
    runner: AnyRunner
    scope: Scope
    now_ms: Callable[[], int]
    make_context: Callable[[StepConfig, float, Scope], StepContext[Any]]
    known_secrets: KnownSecrets = field(default_factory=KnownSecrets)


def advance(
    work: Work, progress: Progress, record: Callable[[Attempt], None], answer: Answer | None = None
) -> Move:
    """Carry the step on from `progress` until it ends or has to wait.

    `record` is called with every attempt but the last; `answer` is the result of the branch or child it waited for.
    """
    with hiding(work.known_secrets):
        if work.step.for_each is None:
            return _advance_one(work, progress, answer)
        return _advance_items(work, progress, record, answer)


@as_step_work
def is_wanted(work: Work) -> bool:
    """Return what the step's `when` says; raise BadReference where it cannot be told."""
    if work.step.when is None:
        return True
    try:
        with hiding(work.known_secrets):
            return evaluate_condition(work.step.when, work.scope)
    except (ConditionError, ReferenceProblem) as problem:
        raise BadReference(f"when: {problem}") from problem


# --- forEach --------------------------------------------------------------------------------------


def _advance_items(
    work: Work, progress: Progress, record: Callable[[Attempt], None], answer: Answer | None
) -> Move:
    begun_ms = work.now_ms()
    try:
        items, shown = _items_of(work)
    except StepError as error:
        return Ended(broken(error, begun_ms, work.now_ms()))
    last: Attempt | None = None
    while progress.item < len(items):
        number = progress.item
        scope = replace(work.scope, item=items[number], index=number, shown_item=shown[number])
        move = _advance_one(replace(work, scope=scope), progress, answer)
        answer = None
        if last is not None:
            record(last)
        if not isinstance(move, Ended):
            return _with_item(move, progress.item)
        attempt = last = replace(move.attempt, item=progress.item)
        progress = progress.next_item(attempt)
        if attempt.status != SUCCESS:
            break
        if progress.item < len(items) and work.now_ms() - begun_ms >= SITTING_MS:
            return Waiting(0, progress, attempt)
    return Ended(_summary(last, progress, begun_ms, work.now_ms()))


@as_step_work
def _items_of(work: Work) -> tuple[list[Json], list[Json]]:
    """Return the items, and what is shown of each."""
    try:
        resolved = resolve_tracked(work.step.for_each, work.scope)
    except ReferenceProblem as problem:
        raise BadReference(f"forEach: {problem}") from problem
    items, shown = resolved.value, resolved.masked
    if not isinstance(items, list):
        raise BadReference(f"forEach needs a list, and {work.step.for_each} is {kind_of(items)}")
    same_length = isinstance(shown, list) and len(shown) == len(items)
    return items, shown if isinstance(shown, list) and same_length else [MASK] * len(items)


def _with_item(move: Move, item: int) -> Move:
    if isinstance(move, Waiting) and move.attempt is not None:
        return replace(move, attempt=replace(move.attempt, item=item))
    return move


def _summary(last: Attempt | None, progress: Progress, begun_ms: int, now_ms: int) -> Attempt:
    """Return the last item's attempt with the result of all items in place of its own."""
    ended = last or Attempt(status=SUCCESS, started_ms=begun_ms, completed_ms=now_ms)
    result: dict[str, Json] = {"items": progress.items, "count": len(progress.items)}
    result["durationMs"] = sum(_duration_of(item) for item in progress.items)
    items = [progress.shown.get(str(index), item) for index, item in enumerate(progress.items)]
    return replace(
        ended,
        result=result,
        shown={**result, "items": items} if progress.shown else None,
        extracted=progress.extracted,
        secret_names=frozenset(progress.secret_names),
    )


def _duration_of(result: Json) -> int:
    duration = result.get("durationMs") if isinstance(result, dict) else None
    return duration if isinstance(duration, int) else 0


# --- one item or step -----------------------------------------------------------------------------


def _advance_one(work: Work, progress: Progress, answer: Answer | None) -> Move:
    started_ms = progress.attempt_started_ms or work.now_ms()
    progress = replace(progress, attempt_started_ms=started_ms)
    if work.step.until is not None and progress.until_ends_ms is None:
        progress = replace(progress, until_ends_ms=started_ms + work.step.until.timeout_ms)
    try:
        outcome = _attempt(work, progress, answer)
    except StepError as error:
        outcome = broken(error, started_ms, work.now_ms())
    if not isinstance(outcome, Attempt):
        return outcome
    attempt = replace(outcome, waited_ms=progress.waited_ms) if progress.waited_ms else outcome
    delay_ms = next_wait(work.step, attempt, progress, work.now_ms())
    if delay_ms is None:
        return Ended(attempt)
    return Waiting(delay_ms, after_wait(work.step, attempt, progress, delay_ms), attempt)


def _attempt(work: Work, progress: Progress, answer: Answer | None) -> Attempt | Waiting | Delegated:
    started_ms = progress.attempt_started_ms or work.now_ms()
    request, config = _configure(work)
    try:
        outcome = Finished(answer.result) if answer else _call(work, config, progress, started_ms)
    except StepError as error:
        _learn(work, error.result)
        return replace(broken(error, started_ms, work.now_ms()), request=request)
    if isinstance(outcome, Park):
        return Waiting(outcome.delay_ms, replace(progress, park=outcome.state), watch=outcome.watch)
    if isinstance(outcome, TakeBranch | RunChild):
        return Delegated(request, progress, outcome)
    try:
        # What is secret in the result is known before a message about it is made.
        shown = _learn(work, outcome.result, answer.shown if answer else None)
    except StepError as error:  # then nothing of it is stored
        return replace(broken(error, started_ms, work.now_ms()), request=request)
    try:
        judged = _judge(work, config, Judged(outcome.result, shown), started_ms)
    except StepError as error:
        judged = replace(broken(error, started_ms, work.now_ms()), result=outcome.result, shown=shown)
    if answer and answer.failure and judged.status == SUCCESS:
        problem = {"code": "branch_failed", "message": answer.failure}
        judged = replace(judged, status=FAILED, error=problem, extracted={})
    return replace(judged, request=request, session=outcome.session)


def _learn(work: Work, result: dict[str, Json] | None, shown: dict[str, Json] | None = None) -> Json:
    """Add what is secret in the result to the known secrets; return how it is shown, None where that is as it is."""
    if result is None:
        return None
    work.known_secrets.add(_secrets_in(work.step, result))
    return _learn_credentials(work, result, shown)


def _learn_credentials(work: Work, value: Json, shown: Json = None) -> Json:
    masked = shown_beside(value if shown is None else shown)
    if masked is value:
        return None
    work.known_secrets.add(credentials_of(value))
    return masked


@with_step_errors
def _call(work: Work, config: StepConfig, progress: Progress, started_ms: int) -> Outcome:
    context = work.make_context(config, _seconds_left(work, started_ms), work.scope)
    context.state, context.origin = progress.park, progress.origin
    # From here on the other side may know them, and tell a step that runs beside this one.
    work.known_secrets.save()
    try:
        outcome: Outcome = work.runner.run(config, context)
    except (StepError, Stopped):
        raise
    except Exception as error:  # a runner's bug must end the step, not the worker
        logger.exception("step type %s failed unexpectedly", work.runner.type)
        raise StepError(
            f"unexpected {type(error).__name__} in the step type", code="internal_error"
        ) from error
    finally:
        progress.origin = context.origin
    return outcome


def _seconds_left(work: Work, started_ms: int) -> float:
    if not work.runner.has_deadline:
        return LONGEST_WAIT_SECONDS
    used_ms = work.now_ms() - started_ms  # parked time counts
    return max(0.0, (timeout_ms_of(work.step) - used_ms) / 1000)


@as_step_work
def _configure(work: Work) -> tuple[Json, StepConfig]:
    """Return the resolved meta with secrets masked, and the config made from it; what is secret in it is known then."""
    meta, kind = work.step.meta, work.runner.config_class
    own = {key: value for key, value in meta.items() if key in kind.unresolved}
    others = {key: value for key, value in meta.items() if key not in own}
    try:
        resolved = resolve_tracked(others, work.scope, lambda path, _whole: kind.grammar_of(path, meta))
    except ReferenceProblem as problem:
        raise BadReference(f"{_place(problem)}{problem.message}") from problem
    whole = _joined(resolved.value, own)
    _learn_credentials(work, whole)
    try:
        config = kind.model_validate(whole)
    except ValidationError as error:
        raise BadConfig(_first_problem(error)) from error
    return _joined(resolved.masked, own), config


def _joined(resolved: Json, own: dict[str, Json]) -> dict[str, Json]:
    return {**resolved, **own} if isinstance(resolved, dict) else own


def _place(problem: ReferenceProblem) -> str:
    return "meta." + ".".join(map(str, problem.path)) + ": " if problem.path else ""


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"meta.{'.'.join(map(str, first['loc']))}: {first['msg']}"


# --- assertions and extract -----------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """A result, and how it is shown where that is otherwise."""

    result: dict[str, Json]
    shown: Json = None

    def lasting(self, duration_ms: int) -> Judged:
        """Return both with how long it took, where the result does not say so itself."""
        took = {"durationMs": self.result.get("durationMs", duration_ms)}
        shown = {**self.shown, **took} if isinstance(self.shown, dict) else None
        return Judged({**self.result, **took}, shown)


@as_step_work
def _judge(work: Work, config: StepConfig, judged: Judged, started_ms: int) -> Attempt:
    return _judged(work, config, judged, started_ms)


def _judged(work: Work, config: StepConfig, judged: Judged, started_ms: int) -> Attempt:
    now_ms = work.now_ms()
    judged = judged.lasting(now_ms - started_ms)
    given = [_resolved(assertion, work.scope) for assertion in work.step.assertions]
    implied = work.runner.expectations(config, frozenset(assertion.field for assertion in given))
    outcomes = evaluate_all([*implied, *given], judged.result, judged.shown)
    status = SUCCESS if all(outcome.passed for outcome in outcomes) else FAILED
    final = status == FAILED and _can_no_longer_hold(work, judged.result)
    extracted, error = _extracted(work.step, status, judged.result)
    return Attempt(
        status=ERROR if error else status,
        started_ms=started_ms,
        completed_ms=now_ms,
        result=judged.result,
        shown=judged.shown,
        assertions=[outcome.to_json() for outcome in outcomes],
        error=error,
        extracted=extracted,
        secret_names=_secret_names(work.step, extracted, judged.shown),
        final=final,
    )


def _can_no_longer_hold(work: Work, result: dict[str, Json]) -> bool:
    if work.step.until is None or not work.step.until.fail_if:
        return False
    rules = [_resolved(assertion, work.scope) for assertion in work.step.until.fail_if]
    return any(outcome.passed for outcome in evaluate_all(rules, result))


def _resolved(assertion: Assertion, scope: Scope) -> Assertion:
    """Return the assertion with the references in its expected value resolved."""
    if not assertion.holds_reference:
        return assertion
    wire = assertion.model_dump(by_alias=True, exclude_unset=True)
    try:
        resolved = resolve_tracked(wire, scope)
        return Assertion.model_validate(resolved.value).shown_as(resolved.masked)
    except ReferenceProblem as problem:
        raise BadReference(f"assertion on {assertion.field}: {problem.message}") from problem
    except ValidationError as error:
        raise BadConfig(f"assertion on {assertion.field}: {_first_problem(error)}") from error


def _extracted(
    step: StepEnvelope, status: str, result: Json
) -> tuple[dict[str, Json], dict[str, str] | None]:
    """Return what the step extracts, and the error where it succeeded and one of the values is not there."""
    extracted: dict[str, Json] = {}
    for name, extraction in step.extract.items():
        try:
            extracted[name] = read_result(result, extraction.path)
        except PathError as problem:
            if status != SUCCESS:
                continue
            message = f"extract.{name}: the result has no value at {extraction.path} ({problem})"
            return {}, {"code": "extract_failed", "message": message}
    return extracted, None


def _secret_names(step: StepEnvelope, extracted: dict[str, Json], shown: Json) -> frozenset[str]:
    """Return the extracted values that stand where the result is not shown as it is."""
    if shown is None:
        return frozenset()
    return frozenset(
        name for name, value in extracted.items() if _seen(shown, step.extract[name].path) != value
    )


def _seen(shown: Json, path: str) -> Json:
    try:
        return read_result(shown, path)
    except PathError:
        return MASK


@as_step_work
def _secrets_in(step: StepEnvelope, result: Json) -> set[str]:
    """Return the texts at the places of secret extracts: secret from now on, however the attempt ended."""
    found: set[str] = set()
    for extraction in step.extract.values():
        if extraction.secret:
            with suppress(PathError):  # nothing is there
                found.update(texts_of(read_result(result, extraction.path)))
    return found
