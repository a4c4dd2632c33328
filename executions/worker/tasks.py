"""Celery tasks. Their messages hold ids and positions alone."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from celery import Task, shared_task
from django.db import DatabaseError, InterfaceError, connection

from executions.broker import chain, lanes
from executions.broker.messages import DUE, LANE, TASK, positions_of
from executions.broker.thread_shares import Work, turns
from executions.engine.run_step import is_deleted
from executions.engine.run_step import run_step as engine_run_step
from executions.runtime.timers import timers
from executions.worker import startup  # noqa: F401 - a process with tasks is a worker: this registers its start
from telemetry.log_context import bound

logger = logging.getLogger(__name__)

#: The signatures that a message carries, the next one last.
Chain = Sequence[Mapping[str, Any]] | None
#: After a database error the step's task is published again after this time, in seconds.
RETRY_SECONDS = 1.0


class Step(Task[..., None]):
    """The task of a step. On the fast path a thread runs its message directly (`executions.broker.fast_redis`)."""

    Strategy = "executions.broker.fast_redis:strategy"

    def understands(self, message: Any) -> bool:
        """Return whether `executions.broker.messages` wrote the message: `run_message` can read it."""
        return DUE in message.headers and message.content_type == "application/json"

    def run_message(self, message: Any) -> None:
        """Run the step that an acknowledged message asks for. A message that cannot be read is logged and dropped."""
        try:
            (execution_id, position, begin), _, embedded = json.loads(message.body)
            headers = message.headers
            work = work_of(execution_id, position, embedded["chain"], begin=begin, due=headers[DUE])
        except Exception:  # anything may be wrong with it
            logger.exception("message %s cannot be read", message.headers.get("id"))
            return
        run_work(work, headers.get(LANE))


@shared_task(bind=True, base=Step, name=TASK, ignore_result=True)
def run_step(self: Any, execution_id: str, position: int | None, begin: bool = False) -> None:
    """Run one step when its organisation may use a thread, then publish the next step."""
    work = work_of(execution_id, position, self.request.chain, begin=begin, due=self.request.get(DUE))
    self.request.chain = None  # Celery would publish the rest, whether it is next or not
    run_work(work, self.request.get(LANE))


def work_of(execution_id: str, position: int | None, embedded: Chain, *, begin: bool, due: object) -> Work:
    """Return the work that a message asks for; `embedded` is the rest of its chain, `due` its header."""
    rest = positions_of(embedded)
    return Work(uuid.UUID(execution_id), position, begin, rest, due if isinstance(due, float) else None)


def run_work(work: Work, lane: object) -> None:
    """Run the step in this thread, or leave it waiting for a thread; `lane` is the one of its message.

    A thread that ends a step while others wait (`turns`) runs one of these next, in this same call.
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
            _publish_next(work, next_position)


def _lane(of_message: object, execution_id: uuid.UUID) -> int:
    """Return the lane of the message."""
    if not isinstance(of_message, int):
        return lanes.lane_of(execution_id)
    lanes.remember(execution_id, of_message)
    return of_message


def _run(work: Work) -> int | None:
    """Run the step; returns the position of the next one. Never raises: the thread must be given back."""
    try:
        return engine_run_step(work.execution_id, work.position, begin=work.begin, due=work.due)
    except (DatabaseError, InterfaceError) as error:
        if is_deleted(error, work.execution_id):
            return None
        logger.warning("step %s of execution %s: %s", work.position, work.execution_id, error)
        connection.close()  # Celery keeps connections (CELERY_DB_REUSE_MAX): a broken one must not be used again
        timers.add(RETRY_SECONDS, work.execution_id, work.position or 0, begin=work.begin)
    except Exception as error:
        if is_deleted(error, work.execution_id):
            return None
        logger.exception("step %s of execution %s is left to the sweeper", work.position, work.execution_id)
    return None


def _publish_next(work: Work, next_position: int | None) -> None:
    if next_position is None:
        return
    if work.rest[:1] == (next_position,):
        chain.publish(work.execution_id, work.rest)
    else:
        chain.publish_from(work.execution_id, next_position)
