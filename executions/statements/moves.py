"""The statements that move a step and its execution: every write is conditional and carries the fencing token."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection

from executions.models import Execution, ExecutionStep, StepAttempt
from executions.statements.round_trip import (
    EXECUTION,
    IN_RUN,
    STEP,
    Move,
    Moved,
    Statement,
    after_sql,
    any_row,
    carry_out,
    in_list,
    milliseconds_sql,
    now_sql,
    update_returning,
)
from executions.statements.rows import key, on_postgresql, writers_of
from executions.states import StepStatus
from resources.fields import to_text
from resources.secrets.encryption import encrypt_json

#: A timer may be a little ahead of the database's clock.
CLOCK_SLACK_SECONDS = 0.05

_NEXT_NUMBER = f"sequence = {EXECUTION}.sequence + 1"
#: How many executions of a team are cancelled by one statement.
_CANCELLED_AT_ONCE = 200
#: A cancel ends everything but clean-up; a second one ends that too.
_MAY_RUN = "(run_goes_on OR (always_run AND run_cleans_up))"


def begin(execution_id: uuid.UUID) -> Execution | None:
    """Start a pending execution whose turn it is; None where it has begun already, is cancelled or not due."""
    sql = (
        f"UPDATE {EXECUTION} SET status = 'IN_PROGRESS', started_at = {now_sql()}, due_at = NULL, looks = 0,"
        f" sequence = sequence + 1, look_at = {after_sql()}"
        f" WHERE id = %s AND status = 'PENDING' AND admitted AND (due_at IS NULL OR due_at <= {after_sql()})"
    )
    params = [settings.ENGINE_UNCLAIMED_SECONDS, key(execution_id), CLOCK_SLACK_SECONDS]
    return _first(update_returning(Execution, Statement(sql, params)))


def claim(execution_id: uuid.UUID, position: int, owner: str) -> Moved | None:
    """Take the step for this worker; None where it is not to be run now, or somebody else has it."""
    params = [owner, settings.ENGINE_LEASE_SECONDS, position, CLOCK_SLACK_SECONDS]
    counted = Statement(f"{_NEXT_NUMBER}, looks = 0, {_looked_at_later()}", _later())
    return carry_out(Move(execution_id, Statement(_claim_sql(), params), counted))


@cache
def _claim_sql() -> str:
    return (
        f"UPDATE {STEP} SET status = 'IN_PROGRESS', owner = %s, fence = fence + 1, look_at = {after_sql()},"
        f" due_at = NULL, looks = 0, awaiting = FALSE, started_at = COALESCE(started_at, {now_sql()})"
        f" {IN_RUN} AND position = %s AND {_MAY_RUN} AND ("
        "(status = 'PENDING' AND ((background AND look_at IS NOT NULL) OR (NOT background AND position = run_cursor)))"
        f" OR (status = 'WAITING' AND due_at <= {after_sql()}))"
    )


@cache
def _looked_at_later() -> str:
    """Return the SET of the execution's next look; its parameters are `_later()`.

    It is left as it is where it is late enough: PostgreSQL then has no index of the row to write, of which there are
    eight, for either move of a step (a "heap-only tuple"). So an execution that nobody moves any more is looked at
    after three quarters of ENGINE_UNCLAIMED_SECONDS or later, and after all of them at the latest.
    """
    late_enough = f"{EXECUTION}.look_at BETWEEN {after_sql()} AND {after_sql()}"
    return f"look_at = CASE WHEN {late_enough} THEN {EXECUTION}.look_at ELSE {after_sql()} END"


def _later(wait: float = 0.0) -> list[float]:
    """Return these parameters; nothing is to be done before `wait` seconds are over."""
    seconds = settings.ENGINE_UNCLAIMED_SECONDS
    return [wait + seconds * 0.75, wait + seconds, wait + seconds]


@dataclass
class Change:
    """The columns that a write sets on the step besides its status."""

    columns: dict[str, Any] = field(default_factory=dict)
    #: How much text was written, in characters; 0 before that.
    length: int = 0

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(self.columns)

    def params(self) -> list[Any]:
        """Return the values, as the database takes them."""
        writers = writers_of(ExecutionStep)
        values = [writers[name](value) for name, value in self.columns.items()]
        self.length = sum(len(value) for value in values if isinstance(value, str))
        return values


def _set(columns: tuple[str, ...]) -> str:
    return "".join(f", {name} = %s" for name in columns)


def end_step(
    step: ExecutionStep, status: str, change: Change, *, cursor: Cursor, attempt: StepAttempt | None,
    execution: Execution | None = None,
) -> Moved | None:  # fmt: skip
    """Write the step's terminal status; None where the fencing token is not the newest any more.

    With the `execution` as it was claimed with the step, only what may have changed since is read again.
    """
    failed = status in (StepStatus.FAILED, StepStatus.ERROR)
    failure = [to_text(_failure(step, status, change))] if failed else []
    moved_to = [cursor.to] if cursor.moves else []
    statement = Statement(_end_sql(change.names()), [status, *change.params(), key(step.id), step.fence])
    counted = Statement(_count_end_sql(failed=failed, moves=cursor.moves), [*_later(), *failure, *moved_to])
    known = (step, execution) if execution else None
    return carry_out(Move(step.execution_id, statement, counted, attempt, known, change.columns))


@cache
def _end_sql(columns: tuple[str, ...]) -> str:
    return (
        f"UPDATE {STEP} SET status = %s, completed_at = {now_sql()}, look_at = NULL, due_at = NULL, state = NULL,"
        f" duration_ms = {milliseconds_sql('started_at')}{_set(columns)}"
        f" {IN_RUN} AND id = %s AND fence = %s AND status = 'IN_PROGRESS'"
    )


@cache
def _count_end_sql(*, failed: bool, moves: bool) -> str:
    return (
        f"{_NEXT_NUMBER}, remaining = {EXECUTION}.remaining - 1, looks = 0, {_looked_at_later()}"
        + (f", failed = TRUE, failure = COALESCE({EXECUTION}.failure, %s)" if failed else "")
        + (", cursor = %s" if moves else "")
    )


def _failure(step: ExecutionStep, status: str, change: Change) -> dict[str, str]:
    error = change.columns.get("error")
    failed = [
        outcome["message"] for outcome in change.columns.get("assertions") or [] if not outcome["passed"]
    ]
    reason = error["message"] if error else "; ".join(str(message) for message in failed[:3])
    return {"code": f"step_{status.lower()}", "message": f"{step.name}: {reason}", "step": step.name}


@dataclass(frozen=True)
class Cursor:
    """Where the foreground goes: nowhere new, or to a position (None: it is done for now)."""

    moves: bool
    to: int | None = None


STAY = Cursor(moves=False)


def park(
    step: ExecutionStep, seconds: float | None, change: Change, state: Any, *, awaiting: bool = False,
    attempt: StepAttempt | None = None, cursor: Cursor = STAY, watched: bool = False,
) -> Moved | None:  # fmt: skip
    """Let the step wait `seconds` (None: until it is woken); None where it is cancelled or the token is old.

    `look_at` is a little after the due time: this process's own timer comes first, another's sweeper after it. Of a
    step that is `watched` it is a lease, which the watcher renews.
    """
    due = "NULL" if seconds is None else after_sql()
    times: list[float] = [settings.ENGINE_UNCLAIMED_SECONDS] if seconds is None else [seconds, seconds + 0.5]
    if watched:
        times[-1] = min(times[-1], settings.ENGINE_LEASE_SECONDS)
    statement = Statement(
        f"UPDATE {STEP} SET status = 'WAITING', due_at = {due}, look_at = {after_sql()}, state = %s,"
        f" awaiting = %s{_set(change.names())} {IN_RUN} AND id = %s AND fence = %s"
        f" AND status = 'IN_PROGRESS' AND {_MAY_RUN}",
        [*times, encrypt_json(state), awaiting, *change.params(), key(step.id), step.fence],
    )
    # A look at the execution is for its foreground, which may go on beside a step in the background.
    wait = 0.0 if step.background else seconds or 0.0
    execution = Statement(
        f"{_NEXT_NUMBER}, {_looked_at_later()}" + (", cursor = %s" if cursor.moves else ""),
        [*_later(wait), *([cursor.to] if cursor.moves else [])],
    )
    return carry_out(Move(step.execution_id, statement, execution, attempt, columns=change.columns))


def take_lost(most: int, owner: str) -> list[ExecutionStep]:
    """Take running steps whose lease is over from their workers, the longest lost first; each goes to one taker.

    A row that somebody holds locked is left for the next look. The taker has a lease, as its worker had.
    """
    locked = " FOR UPDATE SKIP LOCKED" if on_postgresql() else ""
    sql = (
        f"UPDATE {STEP} SET fence = fence + 1, losses = losses + 1, owner = %s, look_at = {after_sql()} WHERE id IN"
        f" (SELECT id FROM {STEP} WHERE status = 'IN_PROGRESS' AND look_at <= {now_sql()}"
        f" ORDER BY look_at LIMIT {int(most)}{locked})"
    )
    return update_returning(ExecutionStep, Statement(sql, [owner, settings.ENGINE_LEASE_SECONDS]))


def look_no_later() -> None:
    """Have nothing looked at later than if it were written now: the database's clock was set back.

    Waits are left alone, for how long they are to last is not known here (`Timers.insist`).
    """
    later = f"look_at = {after_sql()} WHERE look_at > {after_sql()}"
    lease, unclaimed = [settings.ENGINE_LEASE_SECONDS] * 2, [settings.ENGINE_UNCLAIMED_SECONDS] * 2
    _count(f"UPDATE {STEP} SET {later} AND status = 'IN_PROGRESS'", lease)
    _count(f"UPDATE {STEP} SET {later} AND status = 'PENDING'", unclaimed)
    _count(f"UPDATE {EXECUTION} SET {later}", unclaimed)


def lock(execution_id: uuid.UUID) -> None:
    """Lock the execution's row until the transaction ends: before a move that changes several steps."""
    list(Execution.objects.select_for_update(no_key=True).filter(pk=execution_id).values_list("pk"))


def wake(execution_id: uuid.UUID, position: int, *, early: bool = False, awaiting: bool = False) -> bool:
    """Make a waiting step due now; False where it waits no more, or (`early`) is due already.

    `awaiting`: only while it waits for a background step.
    """
    sql = (
        f"UPDATE {STEP} SET due_at = {now_sql()}, look_at = {after_sql()}, looks = 0"
        " WHERE execution_id = %s AND position = %s AND status = 'WAITING'"
        + (f" AND (due_at IS NULL OR due_at > {now_sql()})" if early else "")
        + (" AND awaiting" if awaiting else "")
    )
    params = [1, key(execution_id), position]
    return _count(sql, params) == 1


def wake_awaiting(execution_id: uuid.UUID) -> list[int]:
    """Make due every step that waits for a background step; returns their positions."""
    sql = (
        f"UPDATE {STEP} SET due_at = {now_sql()}, look_at = {after_sql()}, looks = 0"
        " WHERE execution_id = %s AND status = 'WAITING' AND awaiting"
    )
    return [step.position for step in update_returning(ExecutionStep, Statement(sql, [1, key(execution_id)]))]


def release(execution_id: uuid.UUID, positions: Sequence[int]) -> list[int]:
    """Allow these background steps to start; returns the positions of those that were still pending."""
    if not positions:
        return []
    sql = (
        f"UPDATE {STEP} SET look_at = {after_sql()} WHERE execution_id = %s AND status = 'PENDING'"
        f" AND position IN {in_list(positions)}"
    )
    params = [settings.ENGINE_UNCLAIMED_SECONDS, key(execution_id), *positions]
    return [step.position for step in update_returning(ExecutionStep, Statement(sql, params))]


def skip_steps(
    execution_id: uuid.UUID, ranges: Sequence[tuple[int, int]], *, clean_up: bool | None = None
) -> tuple[list[ExecutionStep], Execution] | None:
    """Skip the unstarted steps in the ranges (from, to; both inclusive); None where there are none.

    Call it in a transaction.
    `clean_up` limits it to the steps of one phase; None skips both phases' (a branch that is not taken).
    """
    if not ranges:
        return None
    lock(execution_id)
    inside = " OR ".join(["(position >= %s AND position <= %s)"] * len(ranges))
    sql = (
        f"UPDATE {STEP} SET status = 'SKIPPED', completed_at = {now_sql()} WHERE execution_id = %s"
        f" AND status = 'PENDING' AND look_at IS NULL AND ({inside})"
    )
    params: list[Any] = [key(execution_id), *(border for each in ranges for border in each)]
    if clean_up is not None:
        sql, params = f"{sql} AND always_run = %s", [*params, clean_up]
    skipped = update_returning(ExecutionStep, Statement(sql, params))
    return (
        (sorted(skipped, key=lambda each: each.position), _count_off(execution_id, skipped))
        if skipped
        else None
    )


def _count_off(execution_id: uuid.UUID, ended: list[ExecutionStep]) -> Execution:
    """Number the updates of these steps, and take those of the present phase off the open ones."""
    clean_up = sum(step.always_run for step in ended)
    sql = (
        f"UPDATE {EXECUTION} SET sequence = sequence + %s,"
        " remaining = remaining - CASE WHEN phase = 'MAIN' THEN %s ELSE %s END WHERE id = %s"
    )
    params = [len(ended), len(ended) - clean_up, clean_up, key(execution_id)]
    return update_returning(Execution, Statement(sql, params))[0]


def start_clean_up(execution_id: uuid.UUID) -> Execution | None:
    """Go over to clean-up once nothing else is open; None where that is not so (any more)."""
    open_steps = f"FROM {STEP} WHERE execution_id = {EXECUTION}.id AND always_run AND status = 'PENDING'"
    sql = (
        f"UPDATE {EXECUTION} SET phase = 'CLEAN_UP', look_at = {after_sql()},"
        f" cursor = (SELECT min(position) {open_steps}), remaining = (SELECT count(*) {open_steps})"
        " WHERE id = %s AND phase = 'MAIN' AND remaining = 0 AND status = 'IN_PROGRESS'"
    )
    params = [settings.ENGINE_UNCLAIMED_SECONDS, key(execution_id)]
    return _first(update_returning(Execution, Statement(sql, params)))


def complete(execution_id: uuid.UUID) -> Execution | None:
    """End the execution once no step is open; exactly one caller gets it, the others None."""
    sql = (
        f"UPDATE {EXECUTION} SET status = CASE WHEN timed_out THEN 'FAILED'"
        " WHEN cancel_requested_at IS NOT NULL THEN 'CANCELLED'"
        " WHEN failed THEN 'FAILED' ELSE 'COMPLETED' END,"
        f" completed_at = {now_sql()}, duration_ms = {milliseconds_sql('started_at')}, look_at = NULL,"
        " sequence = sequence + 1, cursor = NULL, error = failure"
        " WHERE id = %s AND remaining = 0 AND status = 'IN_PROGRESS'"
        " AND (phase = 'CLEAN_UP' OR clean_up_position IS NULL)"
    )
    return _first(update_returning(Execution, Statement(sql, [key(execution_id)])))


def request_cancel(execution_id: uuid.UUID) -> Execution | None:
    """Note that a cancel is wanted; None where the execution is over."""
    sql = (
        f"UPDATE {EXECUTION} SET cancel_requested_at = COALESCE(cancel_requested_at, {now_sql()}),"
        f" cancel_requests = cancel_requests + 1, sequence = sequence + 1, look_at = {after_sql()}"
        " WHERE id = %s AND status IN ('PENDING', 'IN_PROGRESS')"
    )
    return _first(update_returning(Execution, Statement(sql, [1, key(execution_id)])))


def cancel_of_team(team_id: uuid.UUID) -> int:
    """Ask for the end of a portion of what the team runs, clean-up too, without settling it; returns how many."""
    some = (
        f"SELECT id FROM {EXECUTION} WHERE team_id = %s AND status IN ('PENDING', 'IN_PROGRESS')"
        f" AND cancel_requests < 2 ORDER BY id LIMIT {_CANCELLED_AT_ONCE}"
    )
    locked = " FOR NO KEY UPDATE" if on_postgresql() else ""
    sql = (
        f"UPDATE {EXECUTION} SET cancel_requested_at = COALESCE(cancel_requested_at, {now_sql()}),"
        f" cancel_requests = 2, sequence = sequence + 1 WHERE id IN ({some}{locked})"
    )
    return _count(sql, [key(team_id)])


def cancel_open_steps(
    execution_id: uuid.UUID, *, clean_up_too: bool
) -> tuple[list[ExecutionStep], Execution]:
    """Cancel what has not started or waits; a step that waits for a child is left until the child has ended.

    Call it in a transaction that holds the lock.
    """
    has_child = (
        f"EXISTS (SELECT 1 FROM {EXECUTION} c WHERE c.parent_id = {STEP}.execution_id"
        f" AND c.parent_position = {STEP}.position AND c.status IN ('PENDING', 'IN_PROGRESS'))"
    )
    sql = (
        f"UPDATE {STEP} SET status = 'CANCELLED', completed_at = {now_sql()}, look_at = NULL, due_at = NULL,"
        f" awaiting = FALSE, state = NULL, duration_ms = {milliseconds_sql('started_at')}"
        " WHERE execution_id = %s AND status IN ('PENDING', 'WAITING')"
        + ("" if clean_up_too else " AND NOT always_run")
        + f" AND NOT (status = 'WAITING' AND {has_child})"
    )
    cancelled = update_returning(ExecutionStep, Statement(sql, [key(execution_id)]))
    return sorted(cancelled, key=lambda each: each.position), _count_off(execution_id, cancelled)


def end_overdue(grace_seconds: float) -> list[Execution]:
    """Ask for the end of every execution that lasts longer than it may, as a cancel would; returns these.

    The first time clean-up is still to run, for `grace_seconds`; the second time that ends, too.
    """
    age = milliseconds_sql("started_at")
    overdue = f"status = 'IN_PROGRESS' AND time_limit_ms IS NOT NULL AND ({age}) >= time_limit_ms"
    if not any_row(EXECUTION, overdue):
        return []
    sql = (
        f"UPDATE {EXECUTION} SET time_limit_ms = ({age}) + %s, failed = TRUE,"
        " failure = CASE WHEN cancel_requested_at IS NULL THEN %s ELSE failure END,"
        " timed_out = timed_out OR cancel_requested_at IS NULL,"
        f" cancel_requested_at = COALESCE(cancel_requested_at, {now_sql()}),"
        f" cancel_requests = CASE WHEN cancel_requests < 2 THEN cancel_requests + 1 ELSE 2 END,"
        f" sequence = sequence + 1, look_at = {after_sql()}"
        f" WHERE {overdue}"
    )
    failure = {
        "code": "execution_timeout",
        "message": "the execution lasted longer than its organisation's limit",
    }
    return update_returning(Execution, Statement(sql, [round(grace_seconds * 1000), to_text(failure), 1]))


def end_unstarted(execution_id: uuid.UUID) -> Execution | None:
    """Make a cancelled execution that never began CANCELLED, once its steps are."""
    sql = (
        f"UPDATE {EXECUTION} SET status = 'CANCELLED', completed_at = {now_sql()}, look_at = NULL, cursor = NULL,"
        " sequence = sequence + 1 WHERE id = %s AND status = 'PENDING' AND cancel_requested_at IS NOT NULL"
    )
    return _first(update_returning(Execution, Statement(sql, [key(execution_id)])))


def look_again(model: type[Execution] | type[ExecutionStep], id_: uuid.UUID, seconds: float) -> None:
    """Have the sweeper look at the row again in `seconds`."""
    sql = f"UPDATE {model._meta.db_table} SET look_at = {after_sql()} WHERE id = %s AND look_at IS NOT NULL"
    _count(sql, [seconds, key(id_)])


def _count(sql: str, params: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return int(cursor.rowcount)


def _first(rows: list[Execution]) -> Execution | None:
    return rows[0] if rows else None
