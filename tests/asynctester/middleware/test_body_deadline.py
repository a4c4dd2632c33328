"""Tests of `asynctester.middleware.body_deadline`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from asynctester.middleware.body_deadline import BodyDeadline, Patience
from asynctester.middleware.body_limit import BodyLimit
from telemetry.metrics import HTTP_REQUESTS

CHUNKED = [(b"transfer-encoding", b"chunked")]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the whole body; nothing where the client goes away."""
    body, more = b"", True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        body, more = body + event["body"], event["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@async_to_sync
async def ask(patience: Patience, pieces: int, *, every: float, headers: Any = ()) -> tuple[int, bytes]:
    """Send so many pieces of 100 bytes, one `every` so many seconds; return status and body."""
    sent: list[Any] = []
    left = iter(range(pieces))

    async def receive() -> Any:
        await asyncio.sleep(every)
        number = next(left)
        return {"type": "http.request", "body": b"x" * 100, "more_body": number < pieces - 1}

    async def send(event: Any) -> None:
        sent.append(event)

    scope: Any = {"type": "http", "method": "POST", "headers": list(headers)}
    await BodyDeadline(BodyLimit(echo, limit=100_000), patience=patience)(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize("headers", [[], CHUNKED])
@pytest.mark.parametrize(
    ("patience", "every"),
    [
        (Patience(pause=0.2, total=60, rate=1_000), 30),
        (
            Patience(pause=60, total=0.3, rate=10_000),
            0.05,
        ),  # never a long pause, and still 500 bytes in 0.25 s
    ],
)
def test_a_body_that_drips_is_answered_408(patience: Patience, every: float, headers: Any) -> None:
    before = HTTP_REQUESTS.labels("POST", "unknown", "408")._value.get()
    status, body = ask(patience, 1_000, every=every, headers=headers)
    assert status == 408
    assert json.loads(body) == {
        "type": "client_error",
        "errors": [
            {"code": "request_timeout", "detail": "The request did not arrive in time.", "attr": None}
        ],
    }
    assert HTTP_REQUESTS.labels("POST", "unknown", "408")._value.get() == before + 1


@pytest.mark.parametrize("headers", [[], CHUNKED])
def test_a_large_body_has_the_time_of_its_size(headers: Any) -> None:
    """It takes twice as long as a small one may."""
    patience = Patience(pause=30, total=0.2, rate=100)
    assert ask(patience, 8, every=0.05, headers=headers) == (200, b"x" * 800)
