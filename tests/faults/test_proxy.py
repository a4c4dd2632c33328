"""The proxy does what it says, to a plain echo server."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from asynctester.embedded.processes import wait_until
from tests.faults.proxy import Mode, Proxy


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        request: socket.socket = self.request
        while data := request.recv(4_096):
            self.server.heard += data  # type: ignore[attr-defined] # the server below has it
            request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    heard = b""


@pytest.fixture
def server() -> Iterator[EchoServer]:
    with EchoServer(("127.0.0.1", 0), Echo) as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def proxy(server: EchoServer) -> Iterator[Proxy]:
    made = Proxy(("127.0.0.1", server.server_address[1]))
    yield made
    made.stop()


def dial(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=20)


def echo(client: socket.socket, text: bytes) -> bytes:
    client.sendall(text)
    heard = b""
    while len(heard) < len(text):
        more = client.recv(4_096)
        if not more:
            raise ConnectionResetError("reset by the peer")
        heard += more
    return heard


def talk(proxy: Proxy) -> None:
    """Dial, say something and wait for an answer, in whichever of these the connection is ended."""
    with dial(proxy) as client:
        echo(client, b"hello")


@pytest.mark.parametrize("mode", [Mode.PASS, Mode.DELAY, Mode.DRIP])
def test_everything_arrives_in_order(proxy: Proxy, mode: Mode) -> None:
    proxy.set(mode, delay=0.02)
    with dial(proxy) as client:
        begun = time.monotonic()
        assert echo(client, b"hello") == b"hello"
        least = {Mode.PASS: 0.0, Mode.DELAY: 0.04, Mode.DRIP: 0.08}[mode]
        assert time.monotonic() - begun >= least


def test_a_reset_ends_what_is_open_and_what_is_new(proxy: Proxy) -> None:
    with dial(proxy) as client:
        assert echo(client, b"before") == b"before"
        proxy.set(Mode.RESET)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(OSError, match=r"reset|pipe"):
        talk(proxy)
    proxy.set(Mode.PASS)
    with dial(proxy) as client:
        assert echo(client, b"after") == b"after"


def test_a_black_hole_keeps_what_it_got_until_it_is_over(proxy: Proxy) -> None:
    with dial(proxy) as client:
        assert echo(client, b"before") == b"before"
        proxy.set(Mode.BLACKHOLE)
        client.sendall(b"lost?")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        proxy.set(Mode.PASS)
        client.settimeout(20)
        assert client.recv(100) == b"lost?"


def test_nobody_listens_while_it_refuses(proxy: Proxy) -> None:
    with dial(proxy) as client:
        assert echo(client, b"before") == b"before"
        proxy.set(Mode.REFUSE)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        dial(proxy)
    proxy.set(Mode.PASS)
    with dial(proxy) as client:
        assert echo(client, b"after") == b"after"


@pytest.mark.parametrize(("delivered", "heard"), [(True, b"beginfinish"), (False, b"begin")])
def test_a_connection_is_lost_after_or_before_a_delivery(
    proxy: Proxy, server: EchoServer, delivered: bool, heard: bytes
) -> None:
    proxy.lose(b"finish", delivered=delivered)
    with dial(proxy) as client:
        assert echo(client, b"begin") == b"begin"
        client.sendall(b"finish")
        assert client.recv(100) == b""
    assert wait_until(lambda: server.heard == heard, within=20)
    assert proxy.cuts == 1
    with dial(proxy) as client:
        assert echo(client, b"finish") == b"finish"


def test_a_server_that_is_away_ends_the_connection(proxy: Proxy, server: EchoServer) -> None:
    proxy.target = ("127.0.0.1", 1)
    with pytest.raises(OSError, match=r"reset|pipe"):
        talk(proxy)
