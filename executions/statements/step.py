"""Statements of the worker that runs a step: claim it, end it, or park it.

The end and the park check the fencing token of the claim.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings

from executions.models import Execution, ExecutionStep, StepAttempt
from executions.statements.database.dialect import (
    EXECUTION,
    NOW,
    STEP,
    after,
    key,
    milliseconds_since,
)
from executions.statements.database.rows import writers_of
from executions.statements.execution import CLOCK_SLACK_SECONDS
from executions.statements.transition import StepAndExecution, Transition, Write, carry_out
from executions.states import StepStatus
from resources.fields import to_text
from resources.secrets.encryption import encrypt_json

#: Whether the step may run: a cancel ends everything but clean-up, and a second cancel ends that too. The columns of
#: `run` are those of the transition.
_MAY_RUN = "(run_goes_on OR (always_run AND run_cleans_up))"

#: The execution's next look, in a SET. A time that is late enough stays as it is: PostgreSQL then writes no entry in
#: any of the row's eight indexes when a step is claimed and ends (a "heap-only tuple"). So a sweeper looks at an
#: execution that nobody changes any more after three quarters of ENGINE_UNCLAIMED_SECONDS at the earliest, and after
#: all of them at the latest. The parameters are those of `_next_look`.
_LOOK_LATER = (
    f"look_at = CASE WHEN e.look_at BETWEEN {after('%(soonest_look)s')} AND {after('%(next_look)s')}"
    f" THEN e.look_at ELSE {after('%(next_look)s')} END"
)


def _next_look(wait: float = 0.0) -> dict[str, float]:
    """Return the parameters of _LOOK_LATER; there is nothing to do before `wait` seconds are over."""
    seconds = settings.ENGINE_UNCLAIMED_SECONDS
    return {"soonest_look": wait + seconds * 0.75, "next_look": wait + seconds}


# --- claim ----------------------------------------------------------------------------------------

_CLAIM = Transition(
    step=f"""
        UPDATE {STEP}
        SET status = 'IN_PROGRESS', owner = %(owner)s, fence = fence + 1, look_at = {after("%(lease)s")},
            due_at = NULL, looks = 0, awaiting = FALSE, started_at = COALESCE(started_at, {NOW})
        FROM run
        WHERE execution_id = run_id AND position = %(position)s AND {_MAY_RUN}
          AND (
            (status = 'PENDING' AND (
                (background AND look_at IS NOT NULL) OR (NOT background AND position = run_cursor)
            ))
            OR (status = 'WAITING' AND due_at <= {after("%(slack)s")})
          )
    """,
    execution=f"UPDATE {EXECUTION} AS e SET sequence = e.sequence + 1, looks = 0, {_LOOK_LATER}",
)


def claim(execution_id: uuid.UUID, position: int, owner: str) -> StepAndExecution | None:
    """Claim the step for this worker; None where it is not to run now, or another worker has it.

    Takes a step that is PENDING (at the execution's cursor, or a released background step), or WAITING and due. Its
    execution is IN_PROGRESS, and no cancel forbids the step. Leaves it IN_PROGRESS, with a new fencing token and a
    lease.
    """
    parameters = {
        "position": position,
        "owner": owner,
        "lease": settings.ENGINE_LEASE_SECONDS,
        "slack": CLOCK_SLACK_SECONDS,
        **_next_look(),
    }
    return carry_out(_CLAIM, Write(execution_id, parameters))


# --- end and park ---------------------------------------------------------------------------------


@dataclass
class Change:
    """The columns that a worker sets on its step, besides the status."""

    columns: dict[str, Any] = field(default_factory=dict)
    #: How much text was written, in characters; 0 before that.
    length: int = 0

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(self.columns)

    def parameters(self) -> dict[str, Any]:
        """Return the values as the database takes them, for the SQL of `_set`."""
        writers = writers_of(ExecutionStep)
        values = {f"new_{name}": writers[name](value) for name, value in self.columns.items()}
        self.length = sum(len(value) for value in values.values() if isinstance(value, str))
        return values


def _set(columns: tuple[str, ...]) -> str:
    return "".join(f", {name} = %(new_{name})s" for name in columns)


@dataclass(frozen=True)
class CursorMove:
    """Where the execution's cursor goes: nowhere new, or to a position (None: the foreground is done for now)."""

    moves: bool
    to: int | None = None


STAY = CursorMove(moves=False)


@cache
def _end(columns: tuple[str, ...], *, fails: bool, moves: bool) -> Transition:
    failure = ", failed = TRUE, failure = COALESCE(e.failure, %(failure)s)" if fails else ""
    cursor = ", cursor = %(cursor)s" if moves else ""
    return Transition(
        step=f"""
            UPDATE {STEP}
            SET status = %(status)s, completed_at = {NOW}, look_at = NULL, due_at = NULL, state = NULL,
                duration_ms = {milliseconds_since("started_at")}{_set(columns)}
            FROM run
            WHERE execution_id = run_id AND id = %(step)s AND fence = %(fence)s AND status = 'IN_PROGRESS'
        """,
        execution=f"""
            UPDATE {EXECUTION} AS e
            SET sequence = e.sequence + 1, remaining = e.remaining - 1, looks = 0, {_LOOK_LATER}{failure}{cursor}
        """,
    )


def end(
    step: ExecutionStep, status: str, change: Change, *, cursor: CursorMove, attempt: StepAttempt | None,
    execution: Execution | None = None,
) -> StepAndExecution | None:  # fmt: skip
    """End the step; None where the fencing token is old.

    Takes a step that is IN_PROGRESS and leaves it in the terminal `status`. Its execution has one open step less. A
    failure of the step is the execution's failure, if it is the first.
    With the `execution` as it was claimed with the step, only what may have changed since is read again.
    """
    fails = status in (StepStatus.FAILED, StepStatus.ERROR)
    parameters = {
        "status": status,
        **change.parameters(),
        "step": key(step.id),
        "fence": step.fence,
        **_next_look(),
        "cursor": cursor.to,
    }
    if fails:
        parameters["failure"] = to_text(_failure(step, status, change))
    claimed = (step, execution) if execution else None
    transition = _end(change.names(), fails=fails, moves=cursor.moves)
    return carry_out(transition, Write(step.execution_id, parameters, attempt, claimed, change.columns))


def _failure(step: ExecutionStep, status: str, change: Change) -> dict[str, str]:
    error = change.columns.get("error")
    failed = [
        outcome["message"] for outcome in change.columns.get("assertions") or [] if not outcome["passed"]
    ]
    reason = error["message"] if error else "; ".join(str(message) for message in failed[:3])
    return {"code": f"step_{status.lower()}", "message": f"{step.name}: {reason}", "step": step.name}


@cache
def _park(columns: tuple[str, ...], *, is_timed: bool, moves: bool) -> Transition:
    due_at = after("%(wait)s") if is_timed else "NULL"
    cursor = ", cursor = %(cursor)s" if moves else ""
    return Transition(
        step=f"""
            UPDATE {STEP}
            SET status = 'WAITING', due_at = {due_at}, look_at = {after("%(look)s")}, state = %(state)s,
                awaiting = %(awaiting)s{_set(columns)}
            FROM run
            WHERE execution_id = run_id AND id = %(step)s AND fence = %(fence)s AND status = 'IN_PROGRESS'
              AND {_MAY_RUN}
        """,
        execution=f"UPDATE {EXECUTION} AS e SET sequence = e.sequence + 1, {_LOOK_LATER}{cursor}",
    )


def park(
    step: ExecutionStep, seconds: float | None, change: Change, state: Any, *, awaiting: bool = False,
    attempt: StepAttempt | None = None, cursor: CursorMove = STAY, watched: bool = False,
) -> StepAndExecution | None:  # fmt: skip
    """Let the step wait `seconds` (None: until it is woken); None where it is cancelled or the fencing token is old.

    Takes a step that is IN_PROGRESS and leaves it WAITING. `look_at` is a little after the due time: the timer of this
    process comes first, the sweeper of another after it. For a `watched` step it is a lease, which the watcher renews.
    """
    parameters = {
        "wait": seconds,
        "look": _look_after(seconds, watched=watched),
        "state": encrypt_json(state),
        "awaiting": awaiting,
        **change.parameters(),
        "step": key(step.id),
        "fence": step.fence,
        # The execution is looked at for its foreground, which may go on beside a step in the background.
        **_next_look(0.0 if step.background else seconds or 0.0),
        "cursor": cursor.to,
    }
    transition = _park(change.names(), is_timed=seconds is not None, moves=cursor.moves)
    return carry_out(transition, Write(step.execution_id, parameters, attempt, columns=change.columns))


def _look_after(seconds: float | None, *, watched: bool) -> float:
    look: float = settings.ENGINE_UNCLAIMED_SECONDS if seconds is None else seconds + 0.5
    return min(look, settings.ENGINE_LEASE_SECONDS) if watched else look
