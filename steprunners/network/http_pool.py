"""HTTP connections with sockets opened through the network policy, and kept alive by each worker thread.

A thread keeps one connection for each server, policy and TLS options: a connection that the rules of one tenant allowed
is never used for another tenant. A connection knows the call that uses it, which can so end a reused one, too.

urllib3 writes the requests and does TLS; it has no public hook for opening a socket, so its private method `_new_conn`
is overridden here. Answers are read by `http1`.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import cast

from urllib3.connection import HTTPConnection, HTTPSConnection

from steprunners.errors import ConnectionFailed
from steprunners.network.calls import Call
from steprunners.network.connection_store import ConnectionStore, has_unread_data
from steprunners.network.http1.answer import Answer
from steprunners.network.policy import NetworkPolicy
from steprunners.network.sockets import open_socket
from steprunners.network.tls import TlsOptions, context_for

MAX_KEPT_PER_THREAD = 64
MAX_IDLE_SECONDS = 60.0
# A server may answer before it has read the whole request, and close the connection.
_CLOSED_WHILE_SENDING = (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError)

_Key = tuple[NetworkPolicy, TlsOptions, str, str, int]


class Connection(HTTPConnection):
    """Opens its socket through the network policy, and keeps a duplicate with which a call can end the connection."""

    response_class = Answer  # type: ignore[assignment]  # http.client needs only what Answer has
    call: Call
    key: _Key
    #: The address that another connection to this server had just now.
    address: str | None = None
    _handle: socket.socket | None = None
    _answer: Answer | None = None

    def _new_conn(self) -> socket.socket:
        connection = self._open_socket()
        self._handle = connection.dup()
        self.call.watch(self._handle)
        self.address = connection.getpeername()[0]
        return connection

    def _open_socket(self) -> socket.socket:
        if self.address is not None:
            with contextlib.suppress(ConnectionFailed):
                return open_socket(self.call, self._dns_host, self.port, self.address)
        return open_socket(self.call, self._dns_host, self.port)

    def use_for(self, call: Call) -> None:
        """Let this call watch the connection."""
        self.call = call
        if self._handle is not None:
            call.watch(self._handle)

    def ask(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send a request, and return the answer when its head has come.

        Raises OSError, ValueError (a method, target or header that breaks the framing), and what `Answer.begin` does.
        """
        self._answer = None
        self.timeout = max(self.call.deadline.remaining(), 0.001)
        if self.sock is None:
            self.connect()
        with contextlib.suppress(*_CLOSED_WHILE_SENDING):
            self.request(method, target, body=body, headers=headers)
        # The method of urllib3's class wraps the answer in a reader of its own.
        self._answer = cast("Answer", http.client.HTTPConnection.getresponse(self))
        return self._answer

    def release(self) -> None:
        """Keep the connection where it can be used again; else close it."""
        if self._answer is not None and self._answer.leaves_connection:
            self.call.watch(None)
            _thread.kept.put(self.key, self)
        else:
            self.close()

    def close(self) -> None:
        """Close the socket and its duplicate."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self.call.watch(None)
            handle.close()
        super().close()


class _TlsConnection(Connection, HTTPSConnection):
    """A guarded connection with TLS."""


def _is_open(connection: Connection) -> bool:
    return connection.sock is not None and not has_unread_data(connection.sock.fileno())


class _ThreadState(threading.local):
    """The connections that this thread keeps."""

    def __init__(self) -> None:
        self.kept: ConnectionStore[_Key, Connection] = ConnectionStore(
            max_kept=MAX_KEPT_PER_THREAD,
            max_idle_seconds=MAX_IDLE_SECONDS,
            close=Connection.close,
            is_usable=_is_open,
        )


_thread = _ThreadState()


def kept_connection(call: Call, tls: TlsOptions, scheme: str, host: str, port: int) -> Connection | None:
    """Return a connection of this thread that has carried another request and seems to be open; None without one."""
    connection = _thread.kept.take((call.policy, tls, scheme, host, port))
    if connection is not None:
        connection.use_for(call)
    return connection


def new_connection(
    call: Call, tls: TlsOptions, scheme: str, host: str, port: int, *, instead_of: Connection | None
) -> Connection:
    """Return a connection that connects with its first request; close the one that it replaces.

    It has the same address as the replaced one where it can, so replacing a connection looks up no name.
    """
    connection = (
        Connection(host, port)
        if scheme == "http"
        else _TlsConnection(host, port, ssl_context=context_for(tls))
    )
    connection.call, connection.key = call, (call.policy, tls, scheme, host, port)
    if instead_of is not None:
        connection.address = instead_of.address
        instead_of.close()
    return connection


def close_connections() -> None:
    """Close the connections that this thread keeps."""
    _thread.kept.close()
