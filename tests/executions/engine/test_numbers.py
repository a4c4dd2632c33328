"""Numbers of a tested system keep their digits and their order, wherever they are shown or passed on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import User
from tests.cast import ApiFor
from tests.executions.engine.conftest import Run

BODY = b'{"id": 9007199254740993, "amount": 10.00, "ts": 1736184243098437392.10, "10": "a", "2": 1e5}'
RunFlow = Callable[..., Run]


class Recorder:
    """Answers each request with BODY, and keeps the bodies that it got."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.bodies: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                self.bodies.append(self._body(client))
                head = f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\nConnection: close"
                client.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + BODY)

    def _body(self, client: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            got += client.recv(65536)
        head, _, body = got.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        wanted = int(lengths[0].partition(b":")[2]) if lengths else 0
        while len(body) < wanted:
            body += client.recv(65536)
        return body


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    server = Recorder()
    yield server
    server.socket.close()


def test_digits_are_shown_and_passed_on(run: RunFlow, recorder: Recorder, api: ApiFor, alice: User) -> None:
    done = run(
        """
        variables: [{name: url, type: string, required: true}]
        steps:
          - {name: got, stepType: http, meta: {url: '${url}'}, extract: {all: body}}
          - {name: whole, stepType: http, meta: {url: '${url}', method: POST, body: '${got.body}'}}
          - name: part
            stepType: http
            meta: {url: '${url}', method: POST, body: {a: '${all.amount}', t: 'x ${all.ts}'}}
        """,
        url=recorder.url,
    )
    assert done.status == "COMPLETED", done.execution.error
    assert recorder.bodies[1].replace(b" ", b"") == BODY.replace(b" ", b"")
    assert recorder.bodies[2].replace(b": ", b":").replace(b", ", b",") == (
        b'{"a":10.00,"t":"x 1736184243098437392.10"}'
    )
    compact = BODY.decode().replace(" ", "")
    for shown in (_rest(api, alice, done), _rest(api, alice, done, "/steps/got")):
        assert f'"body":{compact}' in shown
    assert f'"extracted":{{"all":{compact}}}' in _rest(api, alice, done)


def _rest(api: ApiFor, user: User, done: Run, below: str = "") -> str:
    answer: Any = api(user).get(f"/api/v1/executions/{done.execution.pk}{below}")
    assert answer.status_code == 200
    text: str = answer.content.decode()
    return text
