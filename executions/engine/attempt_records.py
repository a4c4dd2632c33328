"""What is stored of an attempt: masked and cut, with an encrypted whole copy where masking changed the result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from accounts.models import new_id
from executions.models import ExecutionStep, StepAttempt
from executions.statements.database.rows import unsaved
from executions.statements.step import Change
from steprunners.documents.envelope import StepEnvelope
from steprunners.json_types import Json
from steprunners.lifecycle.attempts import Attempt
from steprunners.masking.masker import Masker
from steprunners.values.truncation import cut


def milliseconds_now() -> int:
    """Return the time in ms since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Stored:
    """An attempt in the form in which it may be stored and shown."""

    request: Json
    response: Json
    whole_response: Json
    cut_paths: list[str] | None
    assertions: list[dict[str, Json]]
    error: dict[str, str] | None


def stored(attempt: Attempt, masker: Masker) -> Stored:
    """Return the attempt, masked and cut."""
    # Masked before it is cut: a cut through a secret would leave its beginning.
    masked = masker.mask(attempt.result if attempt.shown is None else attempt.shown)
    shown = cut(masked)
    whole = None if masked is attempt.result else cut(attempt.result)
    return Stored(
        request=cut(masker.mask(attempt.request)).value,
        response=shown.value,
        whole_response=whole.value if whole else None,
        cut_paths=_masked_paths([*shown.paths, *(whole.paths if whole else [])], masker),
        assertions=_outcomes(attempt, masker),
        error=masker.mask(attempt.error),  # type: ignore[arg-type]  # as above
    )


def _masked_paths(paths: list[str], masker: Masker) -> list[str] | None:
    """Return the places that were cut; a secret may be the key of one."""
    return [*dict.fromkeys(masker.mask_text(path) for path in paths)] or None


def _outcomes(attempt: Attempt, masker: Masker) -> list[dict[str, Json]]:
    outcomes = attempt.assertions
    if masker.mask(outcomes) is outcomes:  # type: ignore[arg-type]  # a list of JSON objects is JSON
        return outcomes
    # One by one: if one is nested too deep to be masked, the others are still shown.
    return [masker.mask(outcome) for outcome in outcomes]  # type: ignore[misc]  # masking keeps shapes


def attempt_row(step: ExecutionStep, attempt: Attempt, kept: Stored, number: int) -> StepAttempt:
    """Return the unsaved row of an attempt."""
    values = {
        "id": new_id(),
        "step_id": step.pk,
        "number": number,
        "item": attempt.item,
        "status": attempt.status,
        "started_at": _moment(attempt.started_ms),
        "completed_at": _moment(attempt.completed_ms),
        "duration_ms": max(0, attempt.completed_ms - attempt.started_ms),
        "waited_ms": attempt.waited_ms,
        "request": kept.request,
        "response": kept.response,
        "assertions": kept.assertions,
        "error": kept.error,
    }
    return unsaved(StepAttempt, values)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def change_of(kept: Stored, attempts: int) -> Change:
    """Return the columns that the attempt sets on its step."""
    columns: dict[str, Any] = {
        "attempts": attempts,
        "request": kept.request,
        "response": kept.response,
        "whole_response": kept.whole_response,
        "cut_paths": kept.cut_paths,
        "assertions": kept.assertions,
        "error": kept.error,
    }
    return Change(columns)


def extracts(
    envelope: StepEnvelope, attempt: Attempt, masker: Masker
) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the extracted values to show, and those to encrypt.

    Encrypted are declared secrets, values that hold a known secret, and values read from places of secrets (cookies).
    """
    secret: dict[str, Json] = {}
    shown: dict[str, Json] = {}
    for name, value in attempt.extracted.items():
        is_secret = envelope.extract[name].secret or name in attempt.secret_names
        if is_secret or masker.mask(value) != value:
            secret[name] = value
        else:
            shown[name] = value
    return shown, secret


#: At most this many attempts of a step keep their response.
MOST_RESPONSES = 20
#: Rows in one statement: a `forEach` over thousands of items would exceed the database's limit of parameters.
_AT_ONCE = 500


def thin_out(step: ExecutionStep, new: list[StepAttempt]) -> None:
    """Delete the responses of attempts that are neither the first nor the last and did not change the outcome."""
    if not new or new[-1].number < 3:
        return
    history = list(
        StepAttempt.objects.filter(step=step, number__gte=new[0].number - 2).only("number", "status", "error")
    )
    kept = StepAttempt.objects.filter(step=step, response__isnull=False).count()
    dull = [
        after.pk
        for before, after, _following in zip(history, history[1:], history[2:], strict=False)
        if kept > MOST_RESPONSES or (before.status, before.error) == (after.status, after.error)
    ]
    for start in range(0, len(dull), _AT_ONCE):
        StepAttempt.objects.filter(pk__in=dull[start : start + _AT_ONCE]).update(response=None)
