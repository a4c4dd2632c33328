"""Limits the live streams that an organisation has open, over all web processes: a sorted set in Redis, ids by expiry.

A slot is renewed while its stream is open, so the slots of a lost process are free again after LIFETIME. If Redis does
not answer, no stream is refused: the streams themselves work without it too.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from executions.live.events import SOCKET_TIMEOUT, layer_settings
from resources.limits.effective import grant_of_team

logger = logging.getLogger(__name__)

LIFETIME = 150.0  # seconds; streams renew their slots every minute
RETRY_AFTER = 5.0  # seconds without another try, after Redis did not answer

_retry_at = 0.0


@dataclass(frozen=True)
class StreamSlot:
    """The slot of an open stream, one of those of its organisation."""

    key: str
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    def renew(self) -> int | None:
        """Renew the slot for a LIFETIME; returns how many are taken, None if Redis does not answer."""
        return _run(self.key, lambda pipeline: pipeline.zadd(self.key, {self.name: time.time() + LIFETIME}))

    def release(self) -> None:
        """Free the slot."""
        _run(self.key, lambda pipeline: pipeline.zrem(self.key, self.name))


def take_slot(team_id: uuid.UUID) -> StreamSlot | None:
    """Return a slot for a stream of the team; None if its organisation has reached its limit."""
    grant = grant_of_team(team_id)
    slot = StreamSlot(f"live.places.{grant.organisation_id}")
    taken = slot.renew()
    if taken is not None and taken > grant.limits.web_sockets:
        slot.release()
        return None
    return slot


def _run(key: str, command: Callable[[Any], object]) -> int | None:
    """Run the command; returns how many slots are taken after it, None if Redis does not answer."""
    global _retry_at  # noqa: PLW0603  # one process, one Redis
    server = client()
    if server is None or time.monotonic() < _retry_at:
        return None
    try:
        with server.pipeline() as pipeline:
            pipeline.zremrangebyscore(key, "-inf", time.time())
            command(pipeline)
            pipeline.expire(key, round(LIFETIME))
            pipeline.zcard(key)
            return int(pipeline.execute()[-1])
    except (redis.RedisError, OSError) as error:
        logger.warning("live streams are not limited: %s", error)
        _retry_at = time.monotonic() + RETRY_AFTER
        return None


@cache
def client() -> redis.Redis | None:
    """Return a client of the Redis of live updates; None if there is none."""
    config = layer_settings()
    if config is None:
        return None
    return redis.Redis.from_url(
        config["hosts"][0],
        socket_timeout=SOCKET_TIMEOUT,
        socket_connect_timeout=SOCKET_TIMEOUT,
        retry=Retry(NoBackoff(), 1),
    )
