"""Opening sockets: names, refusals, deadlines and cancels."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import AddressRefused, Cancelled, ConnectionFailed, DeadlineExceeded
from steprunners.network import Call, NetworkPolicy, open_socket
from tests.steprunners.conftest import LOOPBACK
from tests.steprunners.target import Target


def call(
    seconds: float = 5.0, policy: NetworkPolicy = LOOPBACK, cancellation: Cancellation | None = None
) -> Call:
    return Call(policy, Deadline(seconds), cancellation or Cancellation())


@pytest.fixture
def black_hole() -> Iterator[int]:
    """The port of a listener whose queue is full: a connection to it is neither accepted nor refused."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = listener.getsockname()[1]
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
        fillers.append(filler)
    yield port
    for filler in fillers:
        filler.close()
    listener.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433"])
def test_it_works(target: Target, host: str) -> None:
    with open_socket(call(), host, target.port) as connection:
        assert connection.getpeername()[1] == target.port


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "::ffff:127.0.0.1", "0.0.0.0", "::"]
)
def test_the_guard_stands_before_every_spelling(target: Target, host: str) -> None:
    with pytest.raises(AddressRefused):
        open_socket(call(policy=NetworkPolicy()), host, target.port)
    assert target.connections == 0


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 300, "a..b", "\udc80", "", "a b", "x\0y"])
def test_names_that_do_not_resolve(host: str) -> None:
    with pytest.raises(ConnectionFailed, match="cannot be resolved"):
        open_socket(call(), host, 80)


def test_the_deadline_ends_connecting(black_hole: int) -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        open_socket(call(0.2), "127.0.0.1", black_hole)
    assert time.monotonic() - started < 30


def test_cancel_ends_connecting(black_hole: int) -> None:
    cancellation = Cancellation()
    guarded = call(90, cancellation=cancellation)
    threading.Timer(0.2, cancellation.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled), guarded.guarded():
        open_socket(guarded, "127.0.0.1", black_hole)
    assert time.monotonic() - started < 30


def test_a_watched_socket_is_shut_down_at_the_deadline(target: Target) -> None:
    guarded = call(0.2)
    with guarded.guarded(), open_socket(guarded, "127.0.0.1", target.port) as connection:
        connection.settimeout(10)
        assert connection.recv(1) == b""
    with pytest.raises(DeadlineExceeded):
        guarded.check()


def test_many_deadlines_are_kept_in_any_order(target: Target) -> None:
    ended: list[float] = []

    def wait(seconds: float) -> None:
        guarded = call(seconds)
        with guarded.guarded(), open_socket(guarded, "127.0.0.1", target.port) as connection:
            connection.settimeout(10)
            connection.recv(1)
            ended.append(seconds)

    threads = [threading.Thread(target=wait, args=(seconds,)) for seconds in (0.9, 0.3, 0.6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert ended == [0.3, 0.6, 0.9]
