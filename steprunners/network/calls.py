"""One guarded call: its socket is shut down at the deadline, or when the execution is cancelled."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator

from steprunners.deadline import Cancellation, Deadline
from steprunners.network.policy import NetworkPolicy
from steprunners.network.watchdog import watchdog


class Call:
    """What a call may reach, its deadline, and its present socket.

    The call keeps a duplicate of the file descriptor. Shutting the duplicate down ends the connection whatever is
    wrapped around the original (TLS takes the original away), and closing it can never close another socket.
    """

    def __init__(self, policy: NetworkPolicy, deadline: Deadline, cancellation: Cancellation) -> None:
        """Start without a socket."""
        self.policy = policy
        self.deadline = deadline
        self.cancellation = cancellation
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._owns_handle = False
        self._ended = False

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Shut the socket down at the deadline, or when the call is cancelled, inside the block."""
        with self.cancellation.closing(self.end), watchdog.ending(self.deadline.at, self.end):
            try:
                yield
            finally:
                self.watch(None)

    def watch(self, handle: socket.socket | None) -> None:
        """Make `handle` the socket to shut down; shut it down at once where the call has ended already."""
        with self._lock:
            if self._owns_handle and self._handle is not None:
                self._handle.close()
            self._handle, self._owns_handle = handle, False
            if self._ended:
                self._shut_down()

    def watch_descriptor(self, descriptor: int) -> None:
        """Watch the socket of a client that opens its own; the duplicate is closed with the call."""
        handle = socket.socket(fileno=os.dup(descriptor))
        self.watch(handle)
        with self._lock:
            self._owns_handle = True

    def end(self) -> None:
        """Shut the socket down, from any thread: reads and writes on it return at once."""
        with self._lock:
            self._ended = True
            self._shut_down()

    def _shut_down(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

    def check(self) -> None:
        """Raise Cancelled or DeadlineExceeded where the call must end."""
        self.cancellation.check()
        self.deadline.check()
