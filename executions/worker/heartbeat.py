"""The heartbeat of a worker: it tells Redis every few seconds that it lives, so that `/readyz` can count the workers.

A sorted set in Redis holds the workers by the time until which their heartbeat counts. The engine does not use it:
there the leases in the database say which worker is lost.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable

import redis

from executions.live.stream_limit import client
from executions.runtime.background_thread import BackgroundThread

logger = logging.getLogger(__name__)

KEY = "workers.alive"
#: How often a worker sends its heartbeat, and how long that counts, in seconds.
BEAT_SECONDS, LIFETIME_SECONDS = 5.0, 16.0


class Unknown(Exception):
    """The number of workers is unknown: Redis does not answer."""


class WorkerHeartbeat:
    """The heartbeat of a worker process.

    It has a thread of its own, so that steps which keep all others busy do not make the worker look dead.
    """

    def __init__(self) -> None:
        self._thread = BackgroundThread("worker-heartbeat", self._beat, at_end=self._sign_off)
        self._name = ""

    def start(self) -> None:
        """Start the thread."""
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._thread.start()

    def stop(self) -> None:
        """Tell Redis that the worker ends: it takes no new steps. Signal handlers may call this."""
        self._thread.stop()

    def _beat(self) -> float:
        _write(lambda server: server.zadd(KEY, {self._name: time.time() + LIFETIME_SECONDS}))
        return BEAT_SECONDS

    def _sign_off(self) -> None:
        _write(lambda server: server.zrem(KEY, self._name))


def _write(command: Callable[[redis.Redis], object]) -> None:
    server = client()
    if server is None:
        return
    try:
        command(server)
        server.expire(KEY, round(LIFETIME_SECONDS))
    except (redis.RedisError, OSError) as error:
        logger.warning("the worker's heartbeat could not be sent: %s", error)


def workers_alive() -> int:
    """Return how many workers live. Raises Unknown."""
    server = client()
    if server is None:
        raise Unknown("there is no Redis to ask")
    try:
        server.zremrangebyscore(KEY, "-inf", time.time())
        return int(server.zcard(KEY))
    except (redis.RedisError, OSError) as error:
        raise Unknown(str(error)) from error


heartbeat = WorkerHeartbeat()
