"""Celery tasks: ids in, a few lines each."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from celery import shared_task
from django.db import DatabaseError, InterfaceError, connection

from executions import chain, worker
from executions.engine import run_step as engine_run_step
from executions.timers import timers

logger = logging.getLogger(__name__)

#: After a database error the step's task is sent again this much later, in seconds.
RETRY_SECONDS = 1.0


@shared_task(bind=True, name=chain.TASK, ignore_result=True)
def run_step(self: Any, execution_id: str, position: int | None, begin: bool = False) -> None:
    """Run one step; its chain goes on only where the next link is the step that is next."""
    identifier = uuid.UUID(execution_id)
    try:
        next_position = engine_run_step(identifier, position, begin=begin)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("step %s of execution %s: %s", position, execution_id, error)
        connection.close()  # Celery keeps connections (CELERY_DB_REUSE_MAX): a broken one must not be met again
        timers.add(RETRY_SECONDS, identifier, position or 0, begin=begin)
        self.request.chain = None
        return
    rest = self.request.chain
    if next_position is not None and rest and rest[-1]["args"][1] == next_position:
        return
    self.request.chain = None  # Celery would publish the rest
    if next_position is not None:
        chain.publish_from(identifier, next_position)


#: Importing the tasks is what makes a process a worker, so it also registers what runs beside them.
BESIDE = worker
