"""Judges the result of a call: evaluates the assertions, then extracts the values."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from steprunners.assertions.evaluation import Assertion, evaluate_all
from steprunners.budgets.step_errors import as_step_work
from steprunners.config import StepConfig
from steprunners.documents.envelope import StepEnvelope
from steprunners.errors import BadConfig, BadReference
from steprunners.json_types import Json
from steprunners.lifecycle.attempts import ERROR, FAILED, SUCCESS, Attempt
from steprunners.lifecycle.call import first_problem
from steprunners.lifecycle.work import Work
from steprunners.masking.credentials import MASK
from steprunners.references.resolution import Grammar, Place, ReferenceProblem, Scope, resolve_tracked
from steprunners.values.paths import PathError, read_result


@dataclass(frozen=True)
class Judged:
    """A result, and how it is shown; None where it is shown unchanged."""

    result: dict[str, Json]
    shown: Json = None

    def with_duration(self, duration_ms: int) -> Judged:
        """Return both with `durationMs`, unless the result has it already."""
        took = {"durationMs": self.result.get("durationMs", duration_ms)}
        shown = {**self.shown, **took} if isinstance(self.shown, dict) else None
        return Judged({**self.result, **took}, shown)


@as_step_work
def judge(work: Work, config: StepConfig, judged: Judged, started_ms: int) -> Attempt:
    """Evaluate the implied and the given assertions; return the attempt with the extracted values."""
    now_ms = work.now_ms()
    judged = judged.with_duration(now_ms - started_ms)
    given = [_resolved(assertion, work.scope) for assertion in work.step.assertions]
    implied = work.runner.expectations(config, frozenset(assertion.field for assertion in given))
    outcomes = evaluate_all(given, judged.result, judged.shown)
    outcomes += evaluate_all(implied, judged.result, judged.shown, implied=True)
    status = SUCCESS if all(outcome.passed for outcome in outcomes) else FAILED
    final = status == FAILED and _can_no_longer_hold(work, judged.result)
    extracted, error = extracted_values(work.step, status, judged.result)
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
    """Return the assertion with its references resolved."""
    if not assertion.holds_reference:
        return assertion
    wire = assertion.model_dump(by_alias=True, exclude_unset=True)
    try:
        resolved = resolve_tracked(wire, scope, _grammar_of_assertion)
    except ReferenceProblem as problem:
        raise BadReference(f"assertion on {assertion.field}: {problem.message}") from problem
    try:
        return Assertion.model_validate(resolved.value).shown_as(resolved.masked)
    except ValidationError as error:
        told = first_problem(error, resolved.value, Assertion)
        raise BadConfig(f"assertion on {assertion.field}: {told}") from error


def _grammar_of_assertion(place: Place, _whole: Json) -> Grammar:
    return Grammar.PATH if place == ("field",) else Grammar.PLAIN


def extracted_values(
    step: StepEnvelope, status: str, result: Json
) -> tuple[dict[str, Json], dict[str, str] | None]:
    """Return the extracted values, and the error where a successful step has no value for one of them."""
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
    """Return the names of the extracted values that the shown result masks."""
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
