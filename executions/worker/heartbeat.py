"""Which workers live: each tells Redis every few seconds, so that `/readyz` can say whether there are any.

A sorted set in Redis, workers by the time until which their word holds. It decides nothing in the engine, where the
leases in the database say who is lost.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable

import redis

from executions.live.stream_limit import client

logger = logging.getLogger(__name__)

KEY = "workers.alive"
#: How often a worker says that it lives, and for how long that holds, in seconds.
BEAT, LIFETIME = 5.0, 16.0


class Unknown(Exception):
    """Redis, which would know, does not answer."""


class Pulse:
    """The thread of a worker process that says that it lives."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._name = ""

    def start(self) -> None:
        """Begin, in a thread of its own: steps that keep all others busy do not make the worker look dead."""
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        threading.Thread(target=self._run, name="pulse", daemon=True).start()

    def stop(self) -> None:
        """Say that the worker ends: it takes no new steps. Signal handlers may call it."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._say(lambda server: server.zadd(KEY, {self._name: time.time() + LIFETIME}))
            self._stopped.wait(BEAT)
        self._say(lambda server: server.zrem(KEY, self._name))

    def _say(self, word: Callable[[redis.Redis], object]) -> None:
        server = client()
        if server is None:
            return
        try:
            word(server)
            server.expire(KEY, round(LIFETIME))
        except (redis.RedisError, OSError) as error:
            logger.warning("nobody hears that this worker lives: %s", error)


def workers_alive() -> int:
    """Return how many workers live; raises Unknown."""
    server = client()
    if server is None:
        raise Unknown("there is no Redis to ask")
    try:
        server.zremrangebyscore(KEY, "-inf", time.time())
        return int(server.zcard(KEY))
    except (redis.RedisError, OSError) as error:
        raise Unknown(str(error)) from error
