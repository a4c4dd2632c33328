"""What ends a call early: its deadline, or a cancellation from another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from steprunners.errors import Cancelled, DeadlineExceeded


class Deadline:
    """A point on the monotonic clock; `remaining()` is in seconds and never negative."""

    def __init__(self, seconds: float) -> None:
        """Set the deadline `seconds` from now."""
        self.at = time.monotonic() + seconds
        self.seconds = seconds

    def remaining(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self.at - time.monotonic())

    def check(self) -> None:
        """Raise DeadlineExceeded where no time is left."""
        if self.remaining() <= 0:
            raise DeadlineExceeded(f"not finished within {round(self.seconds * 1000)} ms")


class Cancellation:
    """Ends a running call from another thread: callbacks close its sockets."""

    def __init__(self) -> None:
        """Start uncancelled."""
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Mark as cancelled and run the callbacks of the calls that are open."""
        with self._lock:
            self._event.set()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            with suppress(Exception):  # a socket may be closed already; the others must still be closed
                callback()

    def check(self) -> None:
        """Raise Cancelled where `cancel` was called."""
        if self.is_cancelled:
            raise Cancelled("cancelled while the step was running")

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`; return True as soon as `cancel` is called."""
        return self._event.wait(seconds)

    @contextmanager
    def closing(self, close: Callable[[], None]) -> Iterator[None]:
        """Run `close` when `cancel` is called inside the block (at once where it already was)."""
        with self._lock:
            self._callbacks.append(close)
            already = self._event.is_set()
        if already:
            close()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(close)
