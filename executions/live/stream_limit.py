"""How many live streams an organisation has open, over all web processes: a sorted set in Redis, ids by expiry.

A place is renewed while its stream is open, so those of a process that was lost are free again after LIFETIME. Where
Redis does not answer nobody is refused: the streams themselves live on without it too.
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

LIFETIME = 150.0  # seconds; streams renew their places each minute
REST = 5.0  # seconds without another try, after Redis did not answer

_rests_until = 0.0


@dataclass(frozen=True)
class Place:
    """A stream's place among those of its organisation."""

    key: str
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    def keep(self) -> int | None:
        """Hold the place for a LIFETIME more; return how many are taken, None where Redis does not answer."""
        return _ask(self.key, lambda line: line.zadd(self.key, {self.name: time.time() + LIFETIME}))

    def give_back(self) -> None:
        """Free the place."""
        _ask(self.key, lambda line: line.zrem(self.key, self.name))


def take(team_id: uuid.UUID) -> Place | None:
    """Return a place for a stream of the team, None where its organisation has as many open as it may."""
    grant = grant_of_team(team_id)
    place = Place(f"live.places.{grant.organisation_id}")
    taken = place.keep()
    if taken is not None and taken > grant.limits.web_sockets:
        place.give_back()
        return None
    return place


def _ask(key: str, command: Callable[[Any], object]) -> int | None:
    """Return how many places are taken after the command; None where Redis does not answer."""
    global _rests_until  # noqa: PLW0603  # one process, one Redis
    server = client()
    if server is None or time.monotonic() < _rests_until:
        return None
    try:
        with server.pipeline() as pipeline:
            pipeline.zremrangebyscore(key, "-inf", time.time())
            command(pipeline)
            pipeline.expire(key, round(LIFETIME))
            pipeline.zcard(key)
            return int(pipeline.execute()[-1])
    except (redis.RedisError, OSError) as error:
        logger.warning("Open streams are not counted: %s", error)
        _rests_until = time.monotonic() + REST
        return None


@cache
def client() -> redis.Redis | None:
    """Return the connection to the Redis of live updates; None where there is none to have."""
    config = layer_settings()
    if config is None:
        return None
    return redis.Redis.from_url(
        config["hosts"][0],
        socket_timeout=SOCKET_TIMEOUT,
        socket_connect_timeout=SOCKET_TIMEOUT,
        retry=Retry(NoBackoff(), 1),
    )
