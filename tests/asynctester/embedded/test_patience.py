"""Tests of `asynctester.embedded.patience`, over real sockets: clients that do not finish, and others beside them."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from pytest_django import Settings

from asynctester.embedded.patience import PatientProtocol
from asynctester.embedded.processes import wait_until
from asynctester.middleware.body_deadline import BodyDeadline, Patience

HEAD, PAUSE, STALL = 0.5, 0.5, 0.5
#: By then at the latest such a limit has made an end, on a machine that is busy with other work.
SOON = 20.0
MEGABYTES = 32
GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Read the body and answer with its length; with megabytes at /large, at once at /quick."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "text": "heard"})
        return
    length, more = 0, scope["path"] != "/quick"
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        length, more = length + len(event["body"]), event["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/large":
        for _ in range(MEGABYTES * 16):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
    await send({"type": "http.response.body", "body": str(length).encode()})


class Served:
    """The web server in a thread, as `asynctester.embedded.web` sets it up."""

    def __init__(self) -> None:
        patience = Patience(pause=PAUSE, total=1.5, rate=10_000)
        config = uvicorn.Config(
            BodyDeadline(application, patience=patience),
            http=PatientProtocol,
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
        )
        self.server = uvicorn.Server(config)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=2_048)
        self.address = self.listener.getsockname()
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],), daemon=True)
        self.thread.start()
        wait_until(lambda: self.server.started, within=SOON)

    def stop(self) -> None:
        """End it."""
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(SOON)
        self.listener.close()

    def connect(self) -> socket.socket:
        """Return a connection."""
        return socket.create_connection(self.address, timeout=SOON)

    def ask(self, request: bytes) -> bytes:
        """Return the whole answer to a request that ends its connection."""
        with self.connect() as client:
            client.sendall(request)
            return rest_of(client)


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    settings.REQUEST_HEAD_SECONDS, settings.RESPONSE_STALL_SECONDS = HEAD, STALL
    made = Served()
    yield made
    made.stop()


def rest_of(client: socket.socket) -> bytes:
    """Return what comes until the server closes; TimeoutError where it does not."""
    parts = []
    try:
        while part := client.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def drip(client: socket.socket, piece: bytes, *, every: float = 0.1) -> bytes:
    """Send the piece again and again until the server closes; return its answer."""
    client.settimeout(every)
    answer, end = b"", time.monotonic() + SOON
    while time.monotonic() < end:
        try:
            client.sendall(piece)
            part = client.recv(65_536)
        except TimeoutError:
            continue
        except OSError:
            return answer
        if not part:
            return answer
        answer += part
    pytest.fail("the server lets it drip")


def test_who_says_nothing_is_hung_up_on_without_a_word(served: Served) -> None:
    with served.connect() as client:
        assert rest_of(client) == b""


def test_a_head_that_drips_is_answered_408_in_the_shape_of_errors(served: Served) -> None:
    with served.connect() as client:
        client.sendall(GET + b"X-Slow: ")
        head, _, body = drip(client, b"a").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head
    assert json.loads(body)["errors"][0]["code"] == "request_timeout"


def test_so_is_the_second_head_of_a_connection(served: Served) -> None:
    with served.connect() as client:
        client.sendall(GET + b"\r\n")
        assert b" 200 " in client.recv(65_536)
        client.sendall(GET)
        assert b" 408 " in drip(client, b"X-Slow: a\r\n")


@pytest.mark.parametrize(
    ("headers", "piece"),
    [(b"Content-Length: 100000\r\n\r\n", b"x"), (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")],
)
def test_a_body_that_drips_is_answered_408(served: Served, headers: bytes, piece: bytes) -> None:
    with served.connect() as client:
        client.sendall(POST + headers)
        assert b" 408 " in drip(client, piece)


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 9\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n2;what-drips-on-in-an-extension",
    ],
)
def test_a_body_that_never_comes_is_answered_408(served: Served, headers: bytes) -> None:
    assert b" 408 " in served.ask(POST + headers)


def test_a_body_that_nobody_waits_for_may_not_drip_on(served: Served) -> None:
    """The answer was given without it; uvicorn throws away what comes, for ever."""
    with served.connect() as client:
        client.sendall(b"POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        assert b" 200 " in drip(client, b"x")


def test_who_never_reads_the_answer_is_hung_up_on(served: Served) -> None:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.connect(served.address)
    with client:
        client.sendall(GET.replace(b"/ ", b"/large ") + b"\r\n")
        assert client.recv(4_096)
        assert wait_until(lambda: not served.server.server_state.connections, within=SOON)


def test_who_reads_slowly_gets_all_of_it(served: Served) -> None:
    with served.connect() as client:
        client.sendall(GET.replace(b"/ ", b"/large ") + b"Connection: close\r\n\r\n")
        length, began = 0, time.monotonic()
        while part := client.recv(1024 * 1024):
            length += len(part)
            if time.monotonic() < began + 2 * STALL + HEAD:
                time.sleep(0.1)
    assert length > MEGABYTES * 1024 * 1024


def test_a_slow_upload_arrives(served: Served) -> None:
    """It takes longer than a small body may, without a long pause."""
    with served.connect() as client:
        client.sendall(POST + b"Connection: close\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(50):
            client.sendall(b"x" * 2_000)
            time.sleep(0.05)
        assert rest_of(client).endswith(b"\r\n100000\r\n0\r\n\r\n")


def test_an_open_web_socket_has_no_head_to_wait_for(served: Served) -> None:
    from websockets.sync.client import connect  # noqa: PLC0415

    host, port = served.address
    with connect(f"ws://{host}:{port}/", open_timeout=SOON) as client:
        time.sleep(3 * HEAD)
        client.send("still there")
        assert client.recv(timeout=SOON) == "heard"


def test_a_crowd_of_them_holds_up_nobody(served: Served) -> None:
    threads = threading.active_count()
    crowd = [served.connect() for _ in range(1_000)]
    try:
        for number, client in enumerate(crowd):
            with suppress(OSError):  # the first ones may be hung up on by now
                client.sendall([b"G", GET, POST + b"Content-Length: 9\r\n\r\n"][number % 3])
        began = time.monotonic()
        assert b" 200 " in served.ask(GET + b"Connection: close\r\n\r\n")
        assert time.monotonic() - began < SOON / 2
        assert threading.active_count() <= threads
        assert wait_until(lambda: not served.server.server_state.connections, within=2 * SOON)
    finally:
        for client in crowd:
            client.close()
