"""Celery tasks: ids in, a few lines each."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from celery import Task, shared_task
from django.db import DatabaseError, InterfaceError, connection

from executions.broker import chain, lanes
from executions.broker.messages import DUE, TASK, positions_of
from executions.broker.thread_shares import Work, turns
from executions.engine.run_step import is_deleted
from executions.engine.run_step import run_step as engine_run_step
from executions.observability import setup as signs
from executions.runtime.timers import timers
from executions.worker import startup as worker
from telemetry.log_context import bound

logger = logging.getLogger(__name__)

#: The signatures that a message carries, the next one last.
Chain = Sequence[Mapping[str, Any]] | None
#: After a database error the step's task is sent again this much later, in seconds.
RETRY_SECONDS = 1.0


class Step(Task[..., None]):
    """A task whose messages a worker with threads takes in its own way."""

    Strategy = "executions.worker.receiving:strategy"


@shared_task(bind=True, base=Step, name=TASK, ignore_result=True)
def run_step(self: Any, execution_id: str, position: int | None, begin: bool = False) -> None:
    """Run one step when it is its organisation's turn; its chain goes on only where the next link is the next step."""
    work = work_of(execution_id, position, self.request.chain, begin=begin, due=self.request.get(DUE))
    self.request.chain = None  # Celery would publish the rest, whether it is next or not
    run_work(work, (self.request.delivery_info or {}).get("priority"))


def work_of(execution_id: str, position: int | None, embedded: Chain, *, begin: bool, due: object) -> Work:
    """Return what a message asks for; `embedded` is the rest of its chain, `due` its header."""
    rest = positions_of(embedded)
    return Work(uuid.UUID(execution_id), position, begin, rest, due if isinstance(due, float) else None)


def run_work(work: Work, lane: object) -> None:
    """Run the step in this thread, or put it in line; `lane` is the one that its message came in.

    A thread that ends a step while others are in line (`turns`) goes on with one of these, in this same call.
    """
    at = _lane(lane, work.execution_id)
    if not turns.enter(at, work):
        return
    following: tuple[int, Work] | None = (at, work)
    while following is not None:
        at, work = following
        with bound(executionId=work.execution_id):
            next_position = _run(work)
            following = turns.leave(at)
            _go_on(work, next_position)


def _lane(told: object, execution_id: uuid.UUID) -> int:
    """Return the lane that the message came in."""
    if not isinstance(told, int):
        return lanes.lane_of(execution_id)
    lanes.remember(execution_id, told)
    return told


def _run(work: Work) -> int | None:
    """Run the step; returns the position that is next. Whatever goes wrong, the thread is given back."""
    try:
        return engine_run_step(work.execution_id, work.position, begin=work.begin, due=work.due)
    except (DatabaseError, InterfaceError) as error:
        if is_deleted(error, work.execution_id):
            return None
        logger.warning("step %s of execution %s: %s", work.position, work.execution_id, error)
        connection.close()  # Celery keeps connections (CELERY_DB_REUSE_MAX): a broken one must not be met again
        timers.add(RETRY_SECONDS, work.execution_id, work.position or 0, begin=work.begin)
    except Exception as error:
        if is_deleted(error, work.execution_id):
            return None
        logger.exception("step %s of execution %s is left to the sweeper", work.position, work.execution_id)
    return None


def _go_on(work: Work, next_position: int | None) -> None:
    if next_position is None:
        return
    if work.rest[:1] == (next_position,):
        chain.publish(work.execution_id, work.rest)
    else:
        chain.publish_from(work.execution_id, next_position)


#: Importing the tasks is what makes a process a worker, so it also registers what runs beside them.
BESIDE = (worker, signs)
