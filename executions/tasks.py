"""Celery tasks: ids in, a few lines each."""

from __future__ import annotations

import uuid
from typing import Any

from celery import shared_task

from executions import chain, worker
from executions.engine import run_step as engine_run_step


@shared_task(bind=True, name=chain.TASK, ignore_result=True)
def run_step(self: Any, execution_id: str, position: int | None, begin: bool = False) -> None:
    """Run one step; its chain goes on only where the next link is the step that is next."""
    identifier = uuid.UUID(execution_id)
    next_position = engine_run_step(identifier, position, begin=begin)
    rest = self.request.chain
    if next_position is not None and rest and rest[-1]["args"][1] == next_position:
        return
    self.request.chain = None  # Celery would publish the rest
    if next_position is not None:
        chain.publish_from(identifier, next_position)


#: Importing the tasks is what makes a process a worker, so it also registers what runs beside them.
BESIDE = worker
