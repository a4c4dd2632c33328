"""Starts what runs beside the tasks in every worker process, and ends it with the worker."""

from __future__ import annotations

from typing import Any

from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.signals import worker_process_init, worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from executions.broker import chain
from executions.broker.thread_shares import turns
from executions.observability import setup
from executions.worker.heartbeat import heartbeat
from executions.worker.housekeeping import housekeeper
from executions.worker.lost_workers import lost_step_finder
from executions.worker.sweeper import sweeper


@worker_process_init.connect
def start_in_child(**_: Any) -> None:
    """Start in each child of a prefork pool: the children run the steps, so their threads must be there too."""
    _start_threads()
    setup.set_up_traces_in_child()


@worker_ready.connect
def start_in_worker(sender: Any, **_: Any) -> None:
    """Start in the worker's own process, where threads, gevent and solo pools run their tasks.

    The parent of a prefork pool does not use the database. If it did, a child that it forks in place of a lost one
    would inherit its connections, and each would read the other's answers.
    """
    if not isinstance(sender.pool, PreforkPool):
        # The threads are shared among organisations. The children of a prefork pool have one each.
        turns.threads = sender.pool.limit
        _start_threads()
    heartbeat.start()
    setup.set_up_telemetry("worker")


def _start_threads() -> None:
    connection_created.connect(end_idle_transactions)
    lost_step_finder.start()
    sweeper.start()
    housekeeper.start()


def end_idle_transactions(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Have PostgreSQL end a transaction in which this process does nothing for a lease's time: it is frozen or lost.

    The locks of such a transaction would hold up the workers that recover its steps.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            limit = f"{settings.ENGINE_LEASE_SECONDS}s"
            cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, FALSE)", [limit])


@worker_shutting_down.connect
def _stop_taking_work(**_: Any) -> None:
    """End the tasks with the steps that run now; steps that wait for a thread go back to the broker."""
    turns.close()
    housekeeper.stop()
    heartbeat.stop()


@worker_shutdown.connect
def _give_work_back(**_: Any) -> None:
    for work in turns.drain():
        chain.publish(work.execution_id, [work.position, *work.rest], begin=work.begin)
