"""A background thread of a process: it runs its work again and again, whatever exception one run raises.

Everything that a worker does beside its tasks runs in such threads: leases, timers, watches, sweeper, lost workers,
heartbeat, housekeeping.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from weakref import WeakSet

from django.db import DatabaseError, InterfaceError, connections

logger = logging.getLogger(__name__)

#: The pause after a run that raised, in seconds.
RETRY_SECONDS = 1.0
#: A pause longer than this gives the thread's database connection back to the pool, in seconds.
KEEP_CONNECTION_SECONDS = 1.0

_all_threads: WeakSet[BackgroundThread] = WeakSet()


class StopThread(Exception):
    """The work raises this to end its thread."""


class BackgroundThread:
    """A daemon thread, started once a process, which calls `work` until it is stopped.

    `work` returns the seconds until it runs again; None waits for `wake()`. `at_end` is called in the thread when it
    ends. A fork does not take threads along: `after_fork` is called in the child, where the next `start()` starts the
    thread again.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], float | None],
        *,
        first_pause: float = 0.0,
        retry_seconds: float = RETRY_SECONDS,
        at_end: Callable[[], None] | None = None,
        after_fork: Callable[[], None] | None = None,
    ) -> None:
        """Set up a stopped thread; pauses are in seconds."""
        self._name, self._work = name, work
        self._first_pause, self._retry_seconds = first_pause, retry_seconds
        self._at_end, self._after_fork = at_end, after_fork
        self._forget()
        _all_threads.add(self)

    def _forget(self) -> None:
        # New locks too: another thread may have held the old ones when the process was forked.
        self._lock = threading.Lock()
        self._woken = threading.Event()
        #: Set once the thread is to end. Work that takes long looks at it now and then.
        self.stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, unless it runs in this process already."""
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                self.stopping.clear()
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """Run the work now, not at the end of the pause; once more if it is running."""
        self._woken.set()

    def stop(self) -> None:
        """End the thread after the run that is under way. Signal handlers may call this."""
        self.stopping.set()
        self._woken.set()

    def join(self, seconds: float) -> bool:
        """Wait until the thread has ended, at most `seconds`; returns whether it has."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def run_once(self) -> float | None:
        """Run the work once; returns the seconds until the next run, None to wait for `wake()`.

        Logs any exception but StopThread. After a database error the connection is closed: it may be broken.
        """
        try:
            return self._work()
        except StopThread:
            raise
        except (DatabaseError, InterfaceError) as error:
            logger.warning("%s: %s", self._name, error)
            _close_connections()
        except Exception:
            logger.exception("%s failed, and runs again in %s s", self._name, self._retry_seconds)
        return self._retry_seconds

    def _run(self) -> None:
        try:
            pause: float | None = self._first_pause
            while not self._is_stopped_within(pause):
                pause = self.run_once()
        except StopThread:
            pass
        finally:
            self._end()

    def _is_stopped_within(self, pause: float | None) -> bool:
        """Wait for the pause; returns whether the thread is to end."""
        if pause is None or pause > KEEP_CONNECTION_SECONDS:
            _close_connections()
        self._woken.wait(pause)
        self._woken.clear()
        return self.stopping.is_set()

    def _end(self) -> None:
        try:
            if self._at_end is not None:
                self._at_end()
        except Exception:
            logger.exception("%s failed at its end", self._name)
        finally:
            _close_connections()
            self._thread = None

    def reset_after_fork(self) -> None:
        """Forget the parent's thread in a forked child."""
        self._forget()
        if self._after_fork is not None:
            self._after_fork()


def _close_connections() -> None:
    """Close this thread's database connections: sound ones go back to the pool."""
    try:
        connections.close_all()
    except (DatabaseError, InterfaceError) as error:
        logger.info("a broken database connection was dropped: %s", error)


def _reset_all_after_fork() -> None:
    for thread in list(_all_threads):
        thread.reset_after_fork()


os.register_at_fork(after_in_child=_reset_all_after_fork)
