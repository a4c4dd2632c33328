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
from collections.abc import Mapping, Sequence
from typing import Any

from celery import current_app

from telemetry import metrics

TASK = "executions.run_step"
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
    queue = current_app.amqp.default_queue
    links = [[str(execution_id), position, begin and index == 0] for index, position in enumerate(positions)]
    with current_app.producer_or_acquire() as producer:
        producer.publish(
            json.dumps([links[0], {}, _embedded(links[1:], lane)]),
            content_type="application/json",
            content_encoding="utf-8",
            exchange="",
            routing_key=queue.name,
            declare=[queue],
            headers=_headers(task_id, str(execution_id)),
            correlation_id=task_id,
            reply_to="",
            priority=lane,
            delivery_mode=2,  # survives a restart of the broker, where that can be had
        )


def positions_of(chain: Sequence[Mapping[str, Any]] | None) -> tuple[Position, ...]:
    """Return the positions of the links that a received message carries, the next one first."""
    return tuple(signature["args"][1] for signature in reversed(chain or ()))


def _embedded(links: Sequence[Sequence[Any]], lane: int) -> dict[str, Any]:
    chain = [_signature(link, lane) for link in reversed(links)]  # Celery takes them from the end
    return {"callbacks": None, "errbacks": None, "chain": chain or None, "chord": None}


def _signature(link: Sequence[Any], lane: int) -> dict[str, Any]:
    return {
        "task": TASK, "args": link, "kwargs": {}, "options": {"priority": lane}, "subtask_type": None,
        "immutable": True,
    }  # fmt: skip


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
