"""What runs beside the tasks in every worker process: the sweeper."""

from __future__ import annotations

from typing import Any

from celery.signals import worker_process_init, worker_ready

from executions.waker import waker


@worker_process_init.connect
def _in_child(**_: Any) -> None:
    """Start in each child of a prefork pool: its timers and its sweeper belong together."""
    waker.start()


@worker_ready.connect
def _in_worker(**_: Any) -> None:
    """Start in the worker's own process, where threads, gevent and solo pools run their tasks."""
    waker.start()
