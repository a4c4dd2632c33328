"""A circuit breaker for connections to PostgreSQL: after a failure nobody waits for one until the database answers.

Without it each request of an outage waits for a connection of its own, in a thread of its own: with a hundred requests
a second these are hundreds of threads. Only web processes have one (`quick`); workers have a rhythm of their own.
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
    """Open from a failure until the probe, asked by a thread of its own, says that the database answers."""

    def __init__(self) -> None:
        self.probe: Probe | None = None  # without one it stays closed
        self._lock = threading.Lock()
        self._open = False

    def check(self) -> None:
        """Raise OperationalError while it is open."""
        if self._open:
            raise psycopg.OperationalError("the database did not answer a moment ago")

    def trip(self) -> None:
        """Open it, and begin to look whether the database is back."""
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
