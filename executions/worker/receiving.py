"""How a worker with threads takes its tasks: a Celery strategy that gives them to the pool with nothing around.

Celery makes a request, two promises and a trace for each task, reads its body twice, sends a dozen signals, and wakes
its event loop to acknowledge it: for results, retries, revokes, time limits, rate limits and events, which our tasks do
not use. That was half of what a message cost a worker (0.4 ms, measured). What it does with every other message, in
every other pool and with every other broker, stays as it is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from celery.concurrency.thread import TaskPool as ThreadPool
from celery.worker.strategy import default

from executions.broker.messages import DUE
from executions.worker.tasks import run_work, work_of

logger = logging.getLogger(__name__)

Handler = Callable[..., Any]


def strategy(task: Any, app: Any, consumer: Any) -> Handler:
    """Return what receives the task's messages (`Task.Strategy`: Celery asks once for each connection)."""
    otherwise: Handler = default(task, app, consumer)
    if not isinstance(consumer.pool, ThreadPool):
        return otherwise

    def receive(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any) -> Any:
        if callbacks or not _is_plain(message):
            return otherwise(message, body, ack, reject, callbacks)
        return consumer.pool.executor.submit(_run, message)

    return receive


def _is_plain(message: Any) -> bool:
    """Whether the message is one of `links`, and may be acknowledged by any thread."""
    return (
        DUE in message.headers
        and message.content_type == "application/json"
        and getattr(message.channel, "acknowledged_by_any", False)
    )


def _run(message: Any) -> None:
    """Acknowledge the message and run its step: if this process is lost now, a sweeper finds it."""
    message.channel.acknowledge(message)
    try:
        (execution_id, position, begin), _, embedded = json.loads(message.body)
        work = work_of(execution_id, position, embedded["chain"], begin=begin, due=message.headers[DUE])
    except Exception:  # whatever it is that somebody sent
        logger.exception("message %s cannot be read", message.headers.get("id"))
        return
    run_work(work, message.properties.get("priority"))
