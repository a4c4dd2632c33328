"""The engine's limit: the same worker, database and live updates, but a whole flow inside one Celery task.

Not a way to run the service: a worker that is lost would lose the whole flow's turn, and no other could take a step.
`celery --app benchmarks.one_task worker` is the engine's worker in all else.
"""

from __future__ import annotations

import uuid
from typing import Any

import django

from asynctester.celery import app

django.setup()  # the engine's modules are models'

from executions.broker.messages import TASK  # noqa: E402
from executions.engine.run_step import run_step  # noqa: E402  # as above


@app.task(bind=True, name=TASK, ignore_result=True, lazy=False)  # before the engine's own of that name
def run_flow(self: Any, execution_id: str, position: int | None, begin: bool = False) -> None:
    """Run the step at the position and, in the same task, those that come after it."""
    self.request.chain = None
    following = run_step(uuid.UUID(execution_id), position, begin=begin)
    while following is not None:
        following = run_step(uuid.UUID(execution_id), following)
