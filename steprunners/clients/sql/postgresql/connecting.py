"""Logs in to PostgreSQL at the addresses that the network policy permits, within the deadline."""

from __future__ import annotations

import re
import select
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import certifi
from psycopg import pq
from psycopg.conninfo import make_conninfo

from steprunners.clients.sql.connection import SqlConnection
from steprunners.errors import ConnectionFailed, Refused, StepError
from steprunners.network import Call
from steprunners.network.sockets import resolve

_SSL_MODES = {"disable": "disable", "prefer": "prefer", "require": "require", "verify": "verify-full"}
_POLL_SECONDS = 0.05
_LIBPQ_PREFIX = re.compile(r"^.*?connection to server [^\n]*? failed: ", re.DOTALL)


def open_postgresql(connection: SqlConnection, call: Call) -> pq.abc.PGconn:
    """Connect to the addresses that the policy permits, and to no others. Raises StepError."""
    host, port = str(connection.host), connection.port or 5432
    addresses = call.policy.permitted(host, resolve(call, host, port), port)
    with _authority(connection) as authority:
        conninfo = make_conninfo(
            "",
            host=",".join([host.removesuffix(".")] * len(addresses)),
            hostaddr=",".join(addresses),
            port=port,
            dbname=connection.database,
            user=connection.user,
            password=connection.password or "",
            sslmode=_SSL_MODES[connection.tls],
            sslrootcert=authority,
            gssencmode="disable",
            client_encoding="utf8",
            application_name="AsyncTestingService",
            # The account of the worker may have a password file; tenants must not use it.
            passfile="/nonexistent/pgpass",
        )
        return _connected(conninfo, call, f"{host}:{port}")


@contextmanager
def _authority(connection: SqlConnection) -> Iterator[Any]:
    """Yield the file of the trusted authorities: libpq reads them only from a file."""
    if connection.tls != "verify":
        yield None
    elif not connection.ca_certificate:
        yield certifi.where()
    else:
        with tempfile.NamedTemporaryFile("w", suffix=".pem", encoding="utf-8", errors="replace") as file:
            file.write(connection.ca_certificate)
            file.flush()
            yield file.name


def _connected(conninfo: str, call: Call, place: str) -> pq.abc.PGconn:
    """Connect without blocking, so that the deadline or a cancellation ends it, whatever the server does."""
    pgconn = pq.PGconn.connect_start(conninfo.encode())
    while pgconn.status != pq.ConnStatus.BAD:
        status = pgconn.connect_poll()
        if status == pq.PollingStatus.OK:
            pgconn.nonblocking = 1
            call.watch_descriptor(pgconn.socket)
            return pgconn
        if status == pq.PollingStatus.FAILED:
            break
        _wait(pgconn.socket, status, call)
    message = pgconn.get_error_message("utf-8")
    pgconn.finish()
    call.check()
    raise _why_not_connected(message, place)


def _wait(descriptor: int, status: int, call: Call) -> None:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN if status == pq.PollingStatus.READING else select.POLLOUT)
    while True:
        call.check()
        if poller.poll(1000 * min(_POLL_SECONDS, call.deadline.remaining() or 0.001)):
            return


def _why_not_connected(message: str, place: str) -> StepError:
    text = _LIBPQ_PREFIX.sub("", message).strip()
    if "FATAL:" in text:
        return Refused(f"the server refuses the login: {text.split('FATAL:')[-1].strip()}")
    first = text.splitlines()[0] if text else "no answer"
    if "SSL" in text or "certificate" in text:
        return ConnectionFailed(f"no safe connection to {place}: {first}")
    if "Connection refused" in text:
        return ConnectionFailed(f"cannot connect to {place}: connection refused (nothing listens there)")
    return ConnectionFailed(f"cannot connect to {place}: {first}")
