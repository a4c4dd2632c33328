"""One thread in each process ends overdue calls: a read timeout is for one read, and a slow body has many reads."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator


class Watchdog:
    """Runs a callback at a time of the monotonic clock, unless its block was left before.

    It holds only the calls that are running, so looking at each of them costs less than a heap.
    """

    def __init__(self) -> None:
        """Start without a thread; the first call starts it."""
        self._changed = threading.Condition()
        self._calls: dict[int, tuple[float, Callable[[], None]]] = {}
        self._wakes_at = 0.0
        self._next_key = 0
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def ending(self, at: float, end: Callable[[], None]) -> Iterator[None]:
        """Run `end` from another thread when the monotonic clock reaches `at` inside the block."""
        with self._changed:
            self._next_key += 1
            key = self._next_key
            self._calls[key] = (at, end)
            self._ensure_thread()
            if at < self._wakes_at:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._calls.pop(key, None)

    def _ensure_thread(self) -> None:
        # In a forked child the parent's thread is not alive, so it is started again.
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._watch, name="call-watchdog", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        while True:
            for end in self._wait_for_overdue():
                # A socket may be closed by its own thread at this very moment.
                with contextlib.suppress(OSError):
                    end()

    def _wait_for_overdue(self) -> list[Callable[[], None]]:
        with self._changed:
            now = time.monotonic()
            overdue = [key for key, (at, _) in self._calls.items() if at <= now]
            if overdue:
                return [self._calls.pop(key)[1] for key in overdue]
            self._wakes_at = min((at for at, _ in self._calls.values()), default=now + 60.0)
            self._changed.wait(self._wakes_at - now)
            # Awake: a call that comes now is seen in the next round, and need not notify.
            self._wakes_at = 0.0
        return []


watchdog = Watchdog()
