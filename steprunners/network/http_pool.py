"""urllib3's connections, with sockets opened through the network policy, and kept alive by each worker thread.

A thread has a pool for each server, policy and TLS options: a connection that the rules of one tenant allowed is never
used for another tenant. The pools know the call that runs in their thread, so it also watches a reused connection.

urllib3 has no public hooks for opening a socket and for taking a pooled connection, so the private methods `_new_conn`,
`_get_conn`, `_put_conn`, `_make_request` and `_validate_conn` are overridden here.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from http.client import HTTPResponse, parse_headers
from typing import Any, cast

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from steprunners.network.calls import Call
from steprunners.network.connection_store import ConnectionStore
from steprunners.network.policy import NetworkPolicy
from steprunners.network.sockets import open_socket
from steprunners.network.tls import TlsOptions, context_for

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# Servers close idle connections after some seconds; one used this recently is almost certainly still open.
FRESH_SECONDS = 1.0
#: Each pool keeps one connection.
MAX_POOLS_PER_THREAD = 64
MAX_IDLE_SECONDS = 60.0

_Key = tuple[NetworkPolicy, TlsOptions, str, str, int]


class _ThreadState(threading.local):
    """The call that this thread is sending, and the connections that it keeps."""

    def __init__(self) -> None:
        self.call: Call | None = None
        self.method = "GET"
        self.target = "/"
        self.must_be_new = False
        self.reused = False
        self.pools: ConnectionStore[_Key, HTTPConnectionPool] = ConnectionStore(
            max_kept=MAX_POOLS_PER_THREAD,
            max_idle_seconds=MAX_IDLE_SECONDS,
            close=HTTPConnectionPool.close,
        )


_thread = _ThreadState()


class _FinalResponse(HTTPResponse):
    """Skips interim answers (102, 103 Early Hints): http.client knows only 100, and takes the others for final ones."""

    def _read_status(self) -> tuple[str, int, str]:
        status_line: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # typeshed leaves it out
        while 101 < status_line[1] < 200:
            parse_headers(self.fp)
            status_line = super()._read_status()  # type: ignore[misc]  # as above
        return status_line


class _Guarded(HTTPConnection):
    """Opens its socket through the network policy, and keeps a duplicate with which a call can end the connection."""

    response_class = _FinalResponse
    handle: socket.socket | None = None
    last_used = 0.0

    def _new_conn(self) -> socket.socket:
        call = cast("Call", _thread.call)
        connection = open_socket(call, self._dns_host, self.port)
        self.handle = connection.dup()
        call.watch(self.handle)
        return connection

    def close(self) -> None:
        """Close the socket, and the duplicate unless a call still needs it."""
        try:
            super().close()
        finally:
            handle, self.handle = self.handle, None
            if handle is not None and not (_thread.call and _thread.call.take_over(handle)):
                handle.close()


class _GuardedTls(_Guarded, HTTPSConnection):
    """A guarded connection with TLS."""


def _take(connection: _Guarded) -> None:
    """Make this thread's call watch a pooled connection, or close the connection where it must not be reused."""
    _thread.reused = False
    if connection.sock is None:
        return
    idle = time.monotonic() - connection.last_used
    if _thread.must_be_new or (_thread.method not in SAFE_METHODS and idle > FRESH_SECONDS):
        connection.close()
        return
    _thread.reused = True
    cast("Call", _thread.call).watch(connection.handle)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded

    def _make_request(self, conn: Any, method: str, url: str, *arguments: Any, **options: Any) -> Any:  # noqa: ARG002
        # urllib3 has rewritten the escapes in `url`; the target is sent as it was written.
        return super()._make_request(conn, method, _thread.target, *arguments, **options)

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)
        _take(cast("_Guarded", connection))
        return connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.last_used = time.monotonic()
        super()._put_conn(conn)


class _TlsPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _GuardedTls

    def _validate_conn(self, conn: Any) -> None:
        # The parent class warns about each unverified request, but `verifyTls: false` is the user's choice.
        if conn.is_closed:
            conn.connect()


def pool_for(call: Call, tls: TlsOptions, scheme: str, host: str, port: int) -> HTTPConnectionPool:
    """Return this thread's pool of connections to a server."""

    def make() -> HTTPConnectionPool:
        if scheme == "http":
            return _Pool(host, port)
        # Making a context takes tens of milliseconds, so it is made only when it is needed.
        return _TlsPool(host, port, ssl_context=context_for(tls))

    return _thread.pools.get((call.policy, tls, scheme, host, port), make)


@contextlib.contextmanager
def sending(call: Call, method: str, target: str, *, must_be_new: bool) -> Any:
    """Tell this thread's pools which call sends inside the block, and what (the path and query) it asks for."""
    _thread.call, _thread.method, _thread.must_be_new, _thread.reused = call, method, must_be_new, False
    _thread.target = target
    try:
        yield
    finally:
        _thread.call = None


def was_reused() -> bool:
    """Whether the last connection of this thread had already carried another request."""
    return _thread.reused


def close_connections() -> None:
    """Close the connections that this thread keeps."""
    _thread.pools.close()
