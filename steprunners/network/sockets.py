"""Connects: resolves a name once, checks its addresses, and connects to exactly a checked address."""

from __future__ import annotations

import queue
import socket
import threading

from steprunners.errors import ConnectionFailed, DeadlineExceeded
from steprunners.network.addresses import parse_address
from steprunners.network.calls import Call
from steprunners.values.hosts import ascii_host

# A look-up cannot be stopped, only abandoned; more than this many at once means that the name server is down.
_lookups = threading.BoundedSemaphore(64)
_POLL_SECONDS = 0.05


def open_socket(call: Call, host: str, port: int, known_address: str | None = None) -> socket.socket:
    """Return a socket connected to `host`, watched by `call`, with the time left as its timeout.

    The name is not looked up where an address of it is known. Raises AddressRefused, ConnectionFailed, DeadlineExceeded
    or Cancelled.
    """
    host = _for_dns(host)
    found = resolve(call, host, port) if known_address is None else [known_address]
    addresses = call.policy.permitted(host, found, port)
    problem: OSError | None = None
    for position, address in enumerate(addresses):
        call.check()
        try:
            return _connect(
                call, address, port, patience=call.deadline.remaining() / (len(addresses) - position)
            )
        except OSError as error:
            problem = error
    call.check()
    if isinstance(problem, TimeoutError):
        raise DeadlineExceeded(f"{host}:{port} did not accept a connection in time") from problem
    raise ConnectionFailed(f"cannot connect to {host}:{port}: {_plain(problem)}") from problem


def _for_dns(host: str) -> str:
    """Return the name that is looked up: the rules of the network are about it, however it was written."""
    try:
        return ascii_host(host)
    except ValueError as error:
        raise ConnectionFailed(f"the name {host} cannot be resolved: {error}") from error


def _plain(problem: OSError | None) -> str:
    if isinstance(problem, ConnectionRefusedError):
        return "connection refused (nothing listens there)"
    return problem.strerror or str(problem) if problem else "it has no address"


def _connect(call: Call, address: str, port: int, patience: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        call.watch(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(max(patience, 0.001))
        connection.connect((address, port))
        connection.settimeout(max(call.deadline.remaining(), 0.001))
    except BaseException:
        call.watch(None)
        connection.close()
        raise
    return connection


def resolve(call: Call, host: str, port: int) -> list[str]:
    """Return the addresses of `host`, a name for DNS, in the resolver's order; raise as `open_socket` does."""
    try:
        return [str(parse_address(host))]
    except ValueError:
        pass
    answer = _look_up_aside(call, host, port)
    if isinstance(answer, Exception):
        # Name servers answer for names of private networks in many ways; all of them get the same message here.
        if isinstance(answer, socket.gaierror) and call.policy.hides(host, port):
            raise call.policy.refusal(host) from answer
        raise ConnectionFailed(f"the name {host} cannot be resolved: {_why_unresolved(answer)}") from answer
    return answer


def _why_unresolved(problem: Exception) -> str:
    if isinstance(problem, socket.gaierror) and problem.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
        return "no such host"
    return getattr(problem, "strerror", None) or "it is not a host name"


def _look_up_aside(call: Call, host: str, port: int) -> list[str] | Exception:
    """Resolve in another thread, because getaddrinfo has no deadline."""
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()
    while not _lookups.acquire(timeout=_POLL_SECONDS):
        call.check()
    threading.Thread(target=_look_up, args=(host, port, answers), name="name-lookup", daemon=True).start()
    while True:
        try:
            return answers.get(timeout=min(_POLL_SECONDS, call.deadline.remaining()) or 0.001)
        except queue.Empty:
            call.check()


def _look_up(host: str, port: int, answers: queue.SimpleQueue[list[str] | Exception]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answers.put(list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)))
    except (OSError, UnicodeError, ValueError) as error:
        answers.put(error)
    finally:
        _lookups.release()
