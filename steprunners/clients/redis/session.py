"""A session with a Redis server: redis-py's protocol over a socket that the network policy allows.

Each worker thread keeps its connections by policy and address (credentials and TLS included). A changed resource has
another address, so it gets a new connection, and the old one is closed when it has been idle for long enough. A kept
connection that received something meanwhile (usually its end) is not used again. No command is ever sent twice.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from redis._parsers import _RESP2Parser
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.retry import Retry

from steprunners.clients.redis.failures import FAILURES, explained
from steprunners.errors import ConnectionFailed, DeadlineExceeded, Refused, StepError
from steprunners.network import Call, NetworkPolicy, TlsOptions, open_socket
from steprunners.network.connection_store import ConnectionStore, has_unread_data
from steprunners.network.tls import context_for, why_untrusted

MAX_CONNECTIONS_PER_THREAD = 16
#: Firewalls drop idle connections without telling either end.
MAX_IDLE_SECONDS = 30.0


@dataclass(frozen=True)
class Address:
    """Where a server is and how to log in."""

    host: str
    port: int
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    verify: bool = True
    ca_certificate: str | None = None
    client_certificate: str | None = field(default=None, repr=False)
    client_key: str | None = field(default=None, repr=False)

    def tls_options(self) -> TlsOptions:
        """Return how the server's certificate is verified."""
        return TlsOptions(self.verify, self.ca_certificate, self.client_certificate, self.client_key)


class _Metered:
    """A socket that gives at most `limit` bytes for each command, so that no reply can fill the memory."""

    def __init__(self, wrapped: socket.socket, limit: int) -> None:
        self._wrapped = wrapped
        self._limit = limit
        self.allowance = limit

    def recv(self, size: int) -> bytes:
        data = self._wrapped.recv(size)
        self.allowance -= len(data)
        if self.allowance < 0:
            raise StepError(f"the reply is larger than {self._limit:,} bytes", code="response_too_large")
        return data

    def refill(self) -> None:
        self.allowance = self._limit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)


class _Guarded(Connection):
    """redis-py's connection with a socket that the policy allows; a duplicate of it lets a call end the connection."""

    metered: _Metered | None = None
    handle: socket.socket | None = None

    def __init__(self, call: Call, address: Address) -> None:
        super().__init__(  # type: ignore[no-untyped-call] # theirs is untyped, as are the two below
            host=address.host,
            port=address.port,
            db=address.database,
            username=address.username,
            password=address.password,
            protocol=2,  # replies as they are: lists, not maps and sets
            # Not hiredis: it trusts the length that a hostile server announces, and reserves the memory. redis-py has
            # no public name for its other parser, so pyproject.toml pins the exact version.
            parser_class=_RESP2Parser,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,  # the guard's own, which is the whole call's
            driver_info=None,
        )
        self._call = call
        self._address = address

    def _connect(self) -> Any:
        call, address = self._call, self._address
        plain = open_socket(call, address.host, address.port)
        self.handle = plain.dup()
        call.watch(self.handle)
        self.metered = _Metered(self._wrapped(plain), call.policy.max_body_bytes)
        return self.metered

    def _wrapped(self, plain: socket.socket) -> socket.socket:
        if not self._address.tls:
            return plain
        try:
            return context_for(self._address.tls_options()).wrap_socket(
                plain, server_hostname=self._address.host.removesuffix(".")
            )
        except BaseException as error:
            plain.close()
            raise self._why_no_tls(error) from error

    def _why_no_tls(self, error: BaseException) -> BaseException:
        call = self._call
        call.cancellation.check()
        if isinstance(error, TimeoutError) or call.deadline.remaining() <= 0:
            # A server without TLS takes the handshake for the beginning of a command, and waits for its end.
            milliseconds = round(call.deadline.seconds * 1000)
            return DeadlineExceeded(
                f"no TLS handshake within {milliseconds} ms: does the server speak TLS on this port?"
            )
        if isinstance(error, ssl.SSLError):
            return ConnectionFailed(f"no safe connection to the server: {why_untrusted(error)}")
        if isinstance(error, OSError):
            return ConnectionFailed("the server ended the TLS handshake: does it speak TLS on this port?")
        return error

    def take_up(self, call: Call) -> None:
        """Use the kept connection for another call."""
        self._call = call
        call.watch(self.handle)
        if self.metered is not None:
            self.metered.settimeout(max(call.deadline.remaining(), 0.001))

    def is_usable(self) -> bool:
        """Whether the kept connection is open and has nothing to read."""
        if not self.is_connected or self.handle is None:
            return False
        return not has_unread_data(self.handle.fileno())

    def execute(self, *command: str | bytes | int) -> Any:
        """Send one command and return the reply as redis-py reads it: bytes, int, None or lists of these."""
        if self.metered is not None:
            self.metered.refill()
        self.send_command(*command)  # type: ignore[no-untyped-call] # see above
        return self.read_response()

    def drop(self) -> None:
        """Close the connection and its duplicate."""
        self.disconnect()  # type: ignore[no-untyped-call] # see above
        if self.handle is not None:
            self.handle.close()
            self.handle = None


class Session:
    """An open connection, for the commands of one step."""

    def __init__(self, call: Call, connection: _Guarded) -> None:
        """Use an open connection."""
        self._call = call
        self._connection = connection

    def execute(self, *command: str | bytes | int) -> Any:
        """Send one command and return its reply: bytes, int, None or lists of these. Raises StepError."""
        self._call.check()
        try:
            return self._connection.execute(*command)
        except FAILURES as error:
            raise explained(self._call, error) from error


class _ThreadState(threading.local):
    """This thread's open connections."""

    def __init__(self) -> None:
        self.connections: ConnectionStore[tuple[NetworkPolicy, Address], _Guarded] = ConnectionStore(
            max_kept=MAX_CONNECTIONS_PER_THREAD,
            max_idle_seconds=MAX_IDLE_SECONDS,
            close=_Guarded.drop,
            is_usable=_Guarded.is_usable,
        )


_thread = _ThreadState()


@contextlib.contextmanager
def session(call: Call, address: Address, *, must_be_new: bool = False) -> Iterator[Session]:
    """Open a session that ends at the deadline or the cancellation of the call. Raises StepError."""
    with call.guarded():
        connection = _take(call, address, must_be_new)
        try:
            _open(call, connection)
            yield Session(call, connection)
        except Refused:
            # The server refused a command; the connection still works if it is logged in.
            _keep(call, address, connection)
            raise
        except BaseException:
            connection.drop()
            raise
        _keep(call, address, connection)


def _take(call: Call, address: Address, must_be_new: bool) -> _Guarded:
    kept = _thread.connections.take((call.policy, address))
    if kept is None:
        return _Guarded(call, address)
    if must_be_new:
        kept.drop()
        return _Guarded(call, address)
    kept.take_up(call)
    return kept


def _open(call: Call, connection: _Guarded) -> None:
    try:
        connection.connect_check_health(check_health=False)
    except FAILURES as error:
        raise explained(call, error) from error


def _keep(call: Call, address: Address, connection: _Guarded) -> None:
    if not connection.is_connected:
        connection.drop()
        return
    _thread.connections.put((call.policy, address), connection)


def close_connections() -> None:
    """Close the connections that this thread keeps."""
    _thread.connections.close()
