"""The messages of a Celery chain, written directly in Celery's protocol (version 2).

A message looks like one of `celery.chain(...).apply_async()`: a task with its arguments, and the signatures of the
tasks that follow. `Signature.apply_async` clones and freezes every signature, looks up a dozen settings and sends
signals that nobody receives: 1.1 ms a message, of which the broker takes 0.4 ms (measured). Our chains are always the
same: one task, immutable, no results, no callbacks.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from celery import current_app

from executions.broker import fast_redis
from executions.broker.queues import queue_of
from telemetry import metrics

TASK = "executions.run_step"
#: The broker keeps messages over a restart, if it can.
DELIVERY_MODE = 2
#: The header with the time at which the step was due: seconds since the epoch. A message is published when its step
#: is due, so this is the time of publishing.
DUE = "due"
#: The header with the number of the lane.
LANE = "lane"

#: The position of a foreground step; None if there is none, and only background steps start.
Position = int | None


def send(execution_id: uuid.UUID, positions: Sequence[Position], *, lane: int, begin: bool) -> None:
    """Publish the task of the first position, which carries the others; `begin` makes it start the execution.

    Raises what the broker's client raises.
    """
    try:
        _send(execution_id, positions, lane=lane, begin=begin)
    except Exception:
        metrics.not_published("task")
        raise


def _send(execution_id: uuid.UUID, positions: Sequence[Position], *, lane: int, begin: bool) -> None:
    body = _body(str(execution_id), positions, begin=begin)
    headers = _headers(str(uuid.uuid4()), str(execution_id), lane)
    if (direct := fast_redis.publisher()) is not None:
        direct.publish(body, headers, queue=queue_of(lane))
        return
    queue = current_app.amqp.queues[queue_of(lane)]
    with current_app.producer_or_acquire() as producer:
        producer.publish(
            body,
            content_type="application/json",
            content_encoding="utf-8",
            exchange="",
            routing_key=queue.name,
            declare=[queue],
            headers=headers,
            correlation_id=headers["id"],
            reply_to="",
            delivery_mode=DELIVERY_MODE,
        )


def positions_of(chain: Sequence[Mapping[str, Any]] | None) -> tuple[Position, ...]:
    """Return the positions that a received message carries for later, the next one first."""
    return tuple(signature["args"][1] for signature in reversed(chain or ()))


def _body(execution_id: str, positions: Sequence[Position], *, begin: bool) -> str:
    """Return [args, kwargs, embed] of the first task as JSON.

    The text is put together by hand: to encode twenty signatures takes ten times as long (60 µs, measured).
    """
    first, *rest = ["null" if position is None else str(position) for position in positions]
    chain = ", ".join(
        f'{{"task": "{TASK}", "args": ["{execution_id}", {position}, false], "kwargs": {{}},'
        f' "options": {{}}, "subtask_type": null, "immutable": true}}'
        for position in reversed(rest)  # Celery takes them from the end
    )
    return (
        f'[["{execution_id}", {first}, {json.dumps(begin)}], {{}}, {{"callbacks": null, "errbacks": null,'
        f' "chain": {f"[{chain}]" if chain else "null"}, "chord": null}}]'
    )


def _headers(task_id: str, root_id: str, lane: int) -> dict[str, Any]:
    return {
        "lang": "py",
        "task": TASK,
        "id": task_id,
        "shadow": None,
        "eta": None,
        "expires": None,
        "group": None,
        "group_index": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": root_id,
        "parent_id": None,
        "argsrepr": "",
        "kwargsrepr": "",
        "origin": f"{os.getpid()}@{socket.gethostname()}",
        "ignore_result": True,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
        DUE: time.time(),
        LANE: lane,
    }
