"""A circuit breaker for PostgreSQL: after a failure no request waits for a connection until the database answers.

Without it each request of an outage waits for its own connection in its own thread: at a hundred requests a second
these are hundreds of threads. Only web processes have a breaker (`quick`); workers retry at their own pace.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import psycopg

logger = logging.getLogger(__name__)

#: Seconds from one look to the next.
PAUSE = 0.5

Probe = Callable[[], bool]


class Breaker:
    """Open from a failure until the probe, which runs in its own thread, says that the database answers."""

    def __init__(self) -> None:
        self.probe: Probe | None = None  # without one it stays closed
        self._lock = threading.Lock()
        self._open = False

    def check(self) -> None:
        """Raise OperationalError while it is open."""
        if self._open:
            raise psycopg.OperationalError("the database did not answer a moment ago")

    def trip(self) -> None:
        """Open the breaker, and start to probe the database."""
        with self._lock:
            if self._open or self.probe is None:
                return
            self._open = True
        logger.warning("The database does not answer: requests are refused until it does")
        threading.Thread(target=self._wait, args=(self.probe,), name="database-breaker", daemon=True).start()

    def _wait(self, probe: Probe) -> None:
        while not probe():
            time.sleep(PAUSE)
        self._open = False
        logger.warning("The database answers again")


#: The one of this process.
breaker = Breaker()
