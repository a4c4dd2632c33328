"""Tests of `asynctester.middleware.outage_net`."""

from __future__ import annotations

import errno
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from asynctester.middleware.outage_net import OutageNet
from asynctester.middleware.refusals import RETRY_SECONDS

START = {"type": "http.response.start", "status": 200, "headers": []}


def answered(error: Exception | None, *events: Any) -> list[Any]:
    """Return what is sent where the application sends the events and then raises the error."""
    sent: list[Any] = []

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        for event in events:
            await send(event)
        if error is not None:
            raise error

    async def send(event: Any) -> None:
        sent.append(event)

    async def receive() -> Any:
        raise AssertionError("nobody reads")

    scope: Any = {"type": "http", "method": "POST", "headers": []}
    async_to_sync(OutageNet(application))(scope, receive, send)
    return sent


def test_a_full_disk_under_django_is_a_503() -> None:
    start, body = answered(OSError(errno.ENOSPC, "No space left on device"))
    assert start["status"] == 503
    assert (b"retry-after", str(RETRY_SECONDS).encode()) in start["headers"]
    assert json.loads(body["body"])["type"] == "server_error"


def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    assert answered(OSError(errno.ENOSPC, "No space left on device"), START) == [START]


def test_everything_else_passes() -> None:
    assert answered(None, START) == [START]
    with pytest.raises(ValueError, match="a fault"):
        answered(ValueError("a fault"))
