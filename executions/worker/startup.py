"""What runs beside the tasks in every worker process: sweeper and housekeeper, and how its threads are shared."""

from __future__ import annotations

from typing import Any

from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.signals import worker_process_init, worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from executions.broker import chain
from executions.broker.thread_shares import turns
from executions.worker.housekeeping import housekeeper
from executions.worker.lost_workers import rescuer
from executions.worker.sweeper import waker


@worker_process_init.connect
def _in_child(**_: Any) -> None:
    """Start in each child of a prefork pool: its timers and its sweeper belong together."""
    _start()


@worker_ready.connect
def _in_worker(sender: Any, **_: Any) -> None:
    """Start in the worker's own process, where threads, gevent and solo pools run their tasks.

    The parent of a prefork pool keeps away from the database: a child that it forks in place of one that was killed
    would have its connections, and each would read the other's answers.
    """
    if not isinstance(sender.pool, PreforkPool):
        turns.threads = (
            sender.pool.limit
        )  # shared among organisations; a prefork pool's children have one each
        _start()


def _start() -> None:
    connection_created.connect(end_idle_transactions)
    rescuer.start()
    waker.start()
    housekeeper.start()


def end_idle_transactions(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Have PostgreSQL end a transaction in which this process does nothing for a lease's time: it is frozen, or gone.

    Its locks would hold up those who carry on what it lost.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            limit = f"{settings.ENGINE_LEASE_SECONDS}s"
            cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, FALSE)", [limit])


@worker_shutting_down.connect
def _close_line(**_: Any) -> None:
    """End the tasks with the steps that run now; what is in line goes back to the broker."""
    turns.close()
    housekeeper.stop()


@worker_shutdown.connect
def _give_back(**_: Any) -> None:
    for work in turns.drain():
        chain.publish(work.execution_id, [work.position, *work.rest], begin=work.begin)
