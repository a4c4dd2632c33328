"""Tests of `asynctester.middleware.body_limit`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from asgiref import testing
from asgiref.sync import async_to_sync

from accounts.models import User
from asynctester.asgi import application
from asynctester.middleware.body_limit import BodyLimit
from tests.cast import PASSWORD

ApplicationCommunicator: Any = testing.ApplicationCommunicator  # it has no types
CHUNKED = (b"transfer-encoding", b"chunked")


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the length that the headers say, and the body."""
    event = await receive()
    length = dict(scope["headers"]).get(b"content-length", b"none")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": length + b" " + event["body"]})


@async_to_sync
async def ask(app: Any, headers: Sequence[tuple[bytes, bytes]], chunks: Sequence[bytes]) -> tuple[int, bytes]:
    """Send a POST in these chunks; return status and body."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/auth/login",
        "raw_path": b"/api/v1/auth/login",
        "query_string": b"",
        "headers": [(b"host", b"testserver"), (b"content-type", b"application/json"), *headers],
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 1),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    communicator = ApplicationCommunicator(app, scope)
    for number, chunk in enumerate(chunks, 1):
        await communicator.send_input(
            {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        )
    start = await communicator.receive_output(10)
    body = await communicator.receive_output(10)
    await communicator.wait(10)
    return start["status"], body["body"]


@pytest.mark.parametrize(
    ("headers", "chunks", "status", "body"),
    [
        ([(b"content-length", b"10")], [b"0123456789"], 200, b"10 0123456789"),
        ([], [b""], 200, b"none "),
        ([CHUNKED], [b"01234", b"", b"56789"], 200, b"10 0123456789"),
        ([CHUNKED], [b""], 200, b"0 "),
    ],
)
def test_bodies_up_to_the_limit_pass(
    headers: list[tuple[bytes, bytes]], chunks: list[bytes], status: int, body: bytes
) -> None:
    assert ask(BodyLimit(echo, limit=10), headers, chunks) == (status, body)


@pytest.mark.parametrize(
    ("headers", "chunks"),
    [([(b"content-length", b"11")], [b"0"]), ([CHUNKED], [b"01234", b"56789", b"0"])],
)
def test_larger_ones_are_refused_in_the_shape_of_errors(
    headers: list[tuple[bytes, bytes]], chunks: list[bytes]
) -> None:
    status, body = ask(BodyLimit(echo, limit=10), headers, chunks)
    assert status == 413
    assert json.loads(body)["errors"][0]["code"] == "payload_too_large"


@pytest.mark.django_db(transaction=True)
def test_a_chunked_sign_in_reaches_the_view(alice: User) -> None:
    sent = json.dumps({"email": alice.email, "password": PASSWORD}).encode()
    status, body = ask(application, [CHUNKED], [sent[:20], sent[20:]])
    assert status == 200, body
    assert json.loads(body)["user"]["email"] == alice.email


def test_a_client_that_goes_away_is_let_go() -> None:
    @async_to_sync
    async def leave() -> bool:
        communicator = ApplicationCommunicator(
            BodyLimit(echo, limit=10), {"type": "http", "headers": [CHUNKED]}
        )
        await communicator.send_input({"type": "http.disconnect"})
        await communicator.wait(10)
        return bool(await communicator.receive_nothing())

    assert leave()
