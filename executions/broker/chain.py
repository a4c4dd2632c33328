"""Builds and publishes the Celery chains of an execution: one task a step, at most 20 a chain.

A literal chain of N signatures costs O(N²) bytes over its life, since every task carries all that follow it. So a
chain is short, and its last link publishes the next one.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence

from django.db import transaction

from executions import statements
from executions.broker.lanes import lane_of
from executions.broker.messages import send
from executions.models import ExecutionStep

logger = logging.getLogger(__name__)

LINKS = 20
#: After a failed publish the sweeper tries again this much later, in seconds.
RETRY_SECONDS = 1.0


def publish(execution_id: uuid.UUID, positions: Sequence[int | None], *, begin: bool = False) -> bool:
    """Publish a chain of these steps; `begin` starts the execution with its first link.

    Where the broker does not answer, the row is the outbox: the sweeper publishes later. Returns whether it was sent.
    """
    lane = lane_of(execution_id)
    try:
        send(execution_id, positions[:LINKS], lane=lane, begin=begin)
    except Exception as error:  # whatever ails the broker, the caller's work is committed and must not fail
        logger.warning("execution %s not published, the sweeper will: %r", execution_id, error)
        statements.sweep.look_at_execution(execution_id, RETRY_SECONDS)
        return False
    return True


def publish_from(execution_id: uuid.UUID, position: int, *, begin: bool = False) -> bool:
    """Publish the chain that begins at the position."""
    return publish(execution_id, positions_from(execution_id, position), begin=begin)


def publish_on_commit(execution_id: uuid.UUID, positions: Sequence[int | None]) -> None:
    """Publish the first chain of an execution once its rows are committed."""
    transaction.on_commit(lambda: publish(execution_id, positions, begin=True))


def positions_from(execution_id: uuid.UUID, position: int) -> list[int | None]:
    """Return the position and up to 19 that follow it in the foreground, as far as is known."""
    rows = (
        ExecutionStep.objects.filter(execution_id=execution_id, position__gte=position)
        .order_by("position")
        .values_list("position", "next_position")[: 4 * LINKS]
    )
    return follow_links(dict(rows), position)


def follow_links(links: Mapping[int, int | None], position: int | None) -> list[int | None]:
    """Return the position and up to 19 that follow it; one None where there is nothing in the foreground."""
    found: list[int | None] = []
    at = position
    while at is not None and len(found) < LINKS:
        found.append(at)
        at = links.get(at)
    return found or [None]
