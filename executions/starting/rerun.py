"""Re-runs an execution: a new one, which may reuse the results of the steps before a given one."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from accounts.models import User
from executions import statements
from executions.known_secrets import stored_texts, texts_of_run
from executions.models import Execution, ExecutionStep, SessionState
from executions.starting.admission import RunRefused
from executions.starting.start import Prepare, start_execution
from executions.states import STEP_TERMINAL, StepStatus
from flows.documents.document import FlowDocument, Problem
from flows.models import FlowVersion
from flows.selectors import load_document, newest_version
from steprunners.masking.masker import Masker

#: The columns of a step that hold its result.
_RESULT_COLUMNS = (
    "status", "attempts", "started_at", "completed_at", "duration_ms", "request", "response", "whole_response",
    "cut_paths", "assertions", "extracted", "secret_extracts", "error",
)  # fmt: skip


def rerun(
    *,
    execution: Execution,
    user: User | None,
    source: str,
    from_: str = "START",
    from_step: str | None = None,
    version: str = "SAME",
    idempotency_key: str | None = None,
    request_fingerprint: str = "",
) -> Execution:
    """Run the execution again: from its START, from its first FAILED step, or from the step named `from_step`.

    `version` SAME runs the same version, LATEST the newest. A key that was used before gives the execution of that
    time. Raises RunRefused, or KeyReused as `start_execution` does.
    """
    chosen, draft = _what_to_run(execution, version)
    start = partial(
        start_execution,
        team=execution.team,
        user=user,
        source=source,
        version=chosen,
        draft=draft,
        environment=execution.environment,
        variables=_values(execution, draft or load_document(chosen)),  # type: ignore[arg-type]  # one of both is given
        labels=execution.labels,
        rerun_of=execution,
        secret_texts=texts_of_run(execution),
        idempotency_key=idempotency_key,
        request_fingerprint=request_fingerprint,
    )
    with transaction.atomic():
        results_removed_at = _lock(execution)
        if from_step is None and from_ != "FAILED":
            return start()
        if results_removed_at is not None:
            message = "the results of this run were removed because of their age; run it again from its start"
            raise _refusal("fromStep" if from_step else "from", "results_removed", message)
        return start(prepare=_reusing_results(execution, from_step or _first_failed(execution)))


def _lock(execution: Execution) -> datetime | None:
    """Lock the execution, so that it is not removed within the transaction; returns when its results were removed.

    Raises Execution.DoesNotExist if it was deleted.
    """
    # The weakest lock. The execution may still run, or be admitted by a transaction that holds the lock which a start
    # may ask for.
    held = statements.reads.hold_results(execution.pk)
    if held is None:
        raise Execution.DoesNotExist("the execution that is to run again was deleted meanwhile")
    return held.results_removed_at


def _what_to_run(execution: Execution, version: str) -> tuple[FlowVersion | None, FlowDocument | None]:
    if execution.draft is not None and version == "SAME":
        return None, FlowDocument.from_stored(execution.draft, None)
    if execution.flow is None or execution.flow.deleted_at is not None:
        if version == "SAME" and execution.version is not None:
            return execution.version, None
        raise _refusal("version", "not_found", "the flow was deleted")
    if version == "LATEST":
        return newest_version(execution.flow), None
    return execution.version, None


def _refusal(place: str, code: str, message: str) -> RunRefused:
    return RunRefused([Problem(place, code, message)])


def _values(execution: Execution, document: FlowDocument) -> list[dict[str, Any]]:
    """Return the values of the earlier run for the variables that the flow still has."""
    secrets = (execution.secrets or {}).get("variables", {})
    known = {variable.name for variable in document.variables}
    if execution.environment is not None:
        known |= {variable["name"] for variable in execution.environment.variables}
    return [
        {
            "name": each["name"],
            "value": secrets.get(each["name"], each["value"]),
            "secret": each["secret"],
        }
        for each in execution.variables
        if each["name"] in known
    ]


def _first_failed(execution: Execution) -> str:
    ended_badly = [StepStatus.FAILED, StepStatus.ERROR, StepStatus.CANCELLED]
    step = execution.steps.filter(status__in=ended_badly, always_run=False).order_by("position").first()
    if step is None:
        raise _refusal("from", "nothing_failed", "no step of this execution failed")
    return step.name


def _reusing_results(execution: Execution, name: str) -> Prepare:
    """Return a function that makes the new execution begin at the step, with the results of those before it."""

    def prepare(new: Execution, steps: list[ExecutionStep]) -> list[SessionState]:
        start = _start_of(steps, name)
        old = {step.name: step for step in execution.steps.all()}
        masker = Masker(stored_texts(new.secrets))
        for step in steps:
            if step.position < start.position and not step.always_run and step.status == StepStatus.PENDING:
                _reuse_result(step, old.get(step.name), masker)
        new.positions = execution.positions
        new.cursor, new.release = _entry(steps, start)
        new.remaining = sum(step.status == StepStatus.PENDING and not step.always_run for step in steps)
        return _sessions(
            execution, new, {old[step.name].position: step.position for step in steps if step.attempts}
        )

    return prepare


def _sessions(old: Execution, new: Execution, positions: dict[int, int]) -> list[SessionState]:
    """Return unsaved rows with the cookies of the steps whose results are reused; `positions` are old and new ones."""
    return [
        SessionState(
            execution=new, key=row.key, position=positions[row.position], value=row.__dict__["value"]
        )
        for row in SessionState.objects.filter(execution=old, position__in=positions)
    ]


def _start_of(steps: list[ExecutionStep], name: str) -> ExecutionStep:
    """Return the step to begin at. A step inside a branch runs again with its whole condition."""
    by_position = {step.position: step for step in steps}
    found = next((step for step in steps if step.name == name), None)
    if found is None:
        raise _refusal("fromStep", "unknown", f"the flow has no step {name}")
    if found.always_run or found.status != StepStatus.PENDING:
        raise _refusal(
            "fromStep",
            "not_possible",
            f"a run cannot begin at {name}: it is a clean-up step, or it is disabled",
        )
    while found.group is not None:
        found = by_position[found.group]
    return found


def _entry(steps: list[ExecutionStep], start: ExecutionStep) -> tuple[int | None, list[int]]:
    """Return the first foreground step from `start` on, and the background steps before it."""
    siblings = [
        step
        for step in steps
        if step.group is None
        and step.position >= start.position
        and not step.always_run
        and step.status == StepStatus.PENDING
    ]
    first = next((step.position for step in siblings if not step.background), None)
    before = [
        step.position for step in siblings if step.background and (first is None or step.position < first)
    ]
    return first, before


def _reuse_result(step: ExecutionStep, old: ExecutionStep | None, masker: Masker) -> None:
    step.reused = True
    if old is None or old.status not in STEP_TERMINAL:
        step.status = StepStatus.SKIPPED
        return
    for column in _RESULT_COLUMNS:
        setattr(step, column, getattr(old, column))
    _mask(step, masker)


def _mask(step: ExecutionStep, masker: Masker) -> None:
    """Mask what is a secret in the new run but was none in the old one; references still read it whole."""
    shown = masker.mask(step.response)
    if shown is not step.response and step.whole_response is None:
        step.whole_response = step.response
    step.response = shown
    for column in ("request", "assertions", "error"):
        setattr(step, column, masker.mask(getattr(step, column)))
    secret = {name: value for name, value in step.extracted.items() if masker.mask(value) != value}
    if secret:
        step.extracted = {name: value for name, value in step.extracted.items() if name not in secret}
        step.secret_extracts = {**(step.secret_extracts or {}), **secret}
