"""The messages of a Celery chain, written directly in Celery's protocol (version 2).

What arrives is what `celery.chain(...).apply_async()` sends: a task with its arguments, and the signatures of those
that follow. But `Signature.apply_async` clones and freezes every signature, looks up a dozen settings and sends
signals that nobody receives: 1.1 ms a link, of which 0.4 ms are the broker's (measured). Chains of ours are always the
same: one task, immutable, no results, no callbacks.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from celery import current_app

from executions.broker.publishing import outlet
from telemetry import metrics

TASK = "executions.run_step"
#: Messages survive a restart of the broker, where that can be had.
DELIVERY_MODE = 2
#: The header that says when the step was due: seconds since the epoch. Published when it is due, it is the time now.
DUE = "due"

#: A step of the foreground, or None where there is none and only background steps start.
Position = int | None


def send(execution_id: uuid.UUID, positions: Sequence[Position], *, lane: int, begin: bool) -> None:
    """Publish the first link, which carries the others; `begin` has it start the execution.

    Raises what the broker's client raises.
    """
    try:
        _send(execution_id, positions, lane=lane, begin=begin)
    except Exception:
        metrics.not_published("task")
        raise


def _send(execution_id: uuid.UUID, positions: Sequence[Position], *, lane: int, begin: bool) -> None:
    task_id = str(uuid.uuid4())
    body = _body(str(execution_id), positions, lane, begin=begin)
    headers = _headers(task_id, str(execution_id))
    direct = outlet()
    if direct is not None:
        direct.put(_kombu_message(body, headers, lane, direct.queue), lane)
        return
    queue = current_app.amqp.default_queue
    with current_app.producer_or_acquire() as producer:
        producer.publish(
            body,
            content_type="application/json",
            content_encoding="utf-8",
            exchange="",
            routing_key=queue.name,
            declare=[queue],
            headers=headers,
            correlation_id=task_id,
            reply_to="",
            priority=lane,
            delivery_mode=DELIVERY_MODE,
        )


def positions_of(chain: Sequence[Mapping[str, Any]] | None) -> tuple[Position, ...]:
    """Return the positions of the links that a received message carries, the next one first."""
    return tuple(signature["args"][1] for signature in reversed(chain or ()))


def _body(execution_id: str, positions: Sequence[Position], lane: int, *, begin: bool) -> str:
    """Return [args, kwargs, embed] of the first link as JSON.

    Written out, since it is in each message: to encode twenty signatures takes ten times as long (60 µs, measured).
    """
    first, *rest = ["null" if position is None else str(position) for position in positions]
    chain = ", ".join(
        f'{{"task": "{TASK}", "args": ["{execution_id}", {position}, false], "kwargs": {{}},'
        f' "options": {{"priority": {lane}}}, "subtask_type": null, "immutable": true}}'
        for position in reversed(rest)  # Celery takes them from the end
    )
    return (
        f'[["{execution_id}", {first}, {json.dumps(begin)}], {{}}, {{"callbacks": null, "errbacks": null,'
        f' "chain": {f"[{chain}]" if chain else "null"}, "chord": null}}]'
    )


def _kombu_message(body: str, headers: dict[str, Any], lane: int, queue: str) -> str:
    """Return what Kombu's Redis transport would put into the queue for such a message."""
    message = {
        "body": b64encode(body.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": {
            "correlation_id": headers["id"],
            "reply_to": "",
            "delivery_mode": DELIVERY_MODE,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": lane,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }
    return json.dumps(message)


def _headers(task_id: str, root_id: str) -> dict[str, Any]:
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
    }
