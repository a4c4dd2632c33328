"""Tests of `asynctester.middleware.one_thread`: a request in one thread, requests beside each other, threads kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref import testing
from asgiref.sync import async_to_sync
from django.core.signals import request_finished, request_started
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import path
from django.utils.decorators import sync_and_async_middleware
from pytest_django import Settings

from asynctester.middleware.fair_work import GONE
from asynctester.middleware.one_thread import MOST_KEPT, OneThreadHandler

ApplicationCommunicator: Any = testing.ApplicationCommunicator  # it has no types
LIMIT = 30.0  # seconds
#: Where each piece of a request ran, in their order.
ran: list[tuple[str, int]] = []
#: Whether `follow` saw its client go.
seen: list[bool] = []
#: What lets `hold` answer, and how many have come there.
go_on, held = threading.Event(), threading.Semaphore(0)


def note(piece: str) -> None:
    ran.append((piece, threading.get_ident()))


class OnlySync:
    """A middleware that knows nothing of asyncio, as WhiteNoise."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        note("in")
        response = self.get_response(request)
        note("out")
        return response


@sync_and_async_middleware
def either(get_response: Any) -> Any:
    """A middleware that could be asynchronous."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        note("either")
        response: HttpResponseBase = get_response(request)
        return response

    return answer


def view(request: HttpRequest) -> HttpResponse:
    note("view")
    return HttpResponse(request.body)


async def parts() -> AsyncIterator[bytes]:
    for part in (b"a", b"b"):
        yield part


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(parts())


def hold(request: HttpRequest) -> HttpResponse:
    held.release()
    assert go_on.wait(LIMIT)
    return HttpResponse(str(threading.get_ident()))


def follow(request: HttpRequest) -> HttpResponse:
    """Look whether the client is still there, as work that counts itself does."""
    held.release()
    scope: Any = vars(request)["scope"]
    seen.append(scope[GONE].wait(LIMIT))
    return HttpResponse()


def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("a fault of the view")


async def asynchronous(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("awaited")


urlpatterns = [path(each.__name__, each) for each in (view, stream, hold, follow, broken, asynchronous)]


@pytest.fixture
def handler(settings: Settings) -> OneThreadHandler:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.OnlySync", f"{__name__}.either"]
    settings.DEBUG = False
    ran.clear()
    go_on.clear()
    return OneThreadHandler()


def request_to(handler: OneThreadHandler, name: str, body: bytes = b"") -> Any:
    scope = {
        "type": "http", "method": "POST", "path": f"/{name}", "raw_path": f"/{name}".encode(), "query_string": b"",
        "headers": [(b"host", b"testserver"), (b"content-length", str(len(body)).encode())], "scheme": "http",
        "server": ("testserver", 80), "client": ("127.0.0.1", 1), "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    return ApplicationCommunicator(handler, scope)


async def answer_of(communicator: Any, body: bytes = b"") -> tuple[int, bytes]:
    await communicator.send_input({"type": "http.request", "body": body})
    start = await communicator.receive_output(LIMIT)
    whole, more = b"", True
    while more:
        part = await communicator.receive_output(LIMIT)
        whole, more = whole + part.get("body", b""), part.get("more_body", False)
    await communicator.wait(LIMIT)
    return start["status"], whole


def ask(handler: OneThreadHandler, name: str, body: bytes = b"") -> tuple[int, bytes]:
    async def asked() -> tuple[int, bytes]:
        return await answer_of(request_to(handler, name, body), body)

    return async_to_sync(asked)()


def test_all_of_a_request_is_in_one_thread(handler: OneThreadHandler) -> None:
    def started(**_: Any) -> None:
        note("started")

    def finished(**_: Any) -> None:
        note("finished")

    request_started.connect(started)
    request_finished.connect(finished)
    try:
        assert ask(handler, "view", b"hello") == (200, b"hello")
    finally:
        request_started.disconnect(started)
        request_finished.disconnect(finished)
    assert [piece for piece, _ in ran] == ["started", "in", "either", "view", "out", "finished"]
    assert len({thread for _, thread in ran}) == 1
    assert ran[0][1] != threading.get_ident()


def test_the_next_request_takes_the_same_thread(handler: OneThreadHandler) -> None:
    for _ in range(3):
        ask(handler, "view")
    assert len({thread for _, thread in ran}) == 1


def test_requests_at_once_have_a_thread_each_and_a_few_are_kept(handler: OneThreadHandler) -> None:
    count = MOST_KEPT + 4

    async def all_at_once() -> list[tuple[int, bytes]]:
        answers = [asyncio.create_task(answer_of(request_to(handler, "hold"))) for _ in range(count)]
        for _ in range(count):
            assert await asyncio.to_thread(held.acquire, timeout=LIMIT)
        go_on.set()
        return await asyncio.gather(*answers)

    answers = async_to_sync(all_at_once)()
    assert len({thread for _, thread in answers}) == count
    assert len(handler._idle) == MOST_KEPT


def test_a_client_that_goes_away_leaves_its_thread_to_others_when_it_is_done(
    handler: OneThreadHandler,
) -> None:
    async def leave() -> None:
        communicator = request_to(handler, "hold")
        await communicator.send_input({"type": "http.request", "body": b""})
        assert await asyncio.to_thread(held.acquire, timeout=LIMIT)
        await communicator.send_input({"type": "http.disconnect"})
        await asyncio.sleep(0.05)
        assert not handler._idle  # the view has not ended
        go_on.set()
        await communicator.wait(LIMIT)

    async_to_sync(leave)()
    assert len(handler._idle) == 1
    assert ask(handler, "view", b"next") == (200, b"next")


def test_a_thread_sees_that_its_client_went_away(handler: OneThreadHandler) -> None:
    async def leave() -> None:
        communicator = request_to(handler, "follow")
        await communicator.send_input({"type": "http.request", "body": b""})
        assert await asyncio.to_thread(held.acquire, timeout=LIMIT)
        await communicator.send_input({"type": "http.disconnect"})
        await communicator.wait(LIMIT)

    seen.clear()
    async_to_sync(leave)()
    assert seen == [True]


def test_faults_streams_and_asynchronous_views(
    handler: OneThreadHandler, caplog: pytest.LogCaptureFixture
) -> None:
    assert ask(handler, "broken")[0] == 500
    assert "a fault of the view" in caplog.text
    assert ask(handler, "stream") == (200, b"ab")
    assert ask(handler, "asynchronous") == (200, b"awaited")
    assert ask(handler, "unknown")[0] == 404
    assert len(handler._idle) == 1


def test_a_body_that_drips_holds_no_thread(handler: OneThreadHandler) -> None:
    ask(handler, "view")
    (kept,) = handler._idle

    async def slowly() -> None:
        communicator = request_to(handler, "view", b"whole")
        await communicator.send_input({"type": "http.request", "body": b"wh", "more_body": True})
        await asyncio.sleep(0.05)
        assert handler._idle == [kept]
        await communicator.send_input({"type": "http.request", "body": b"ole"})
        assert (await communicator.receive_output(LIMIT))["status"] == 200
        await communicator.wait(LIMIT)

    async_to_sync(slowly)()
    assert handler._idle == [kept]


def test_a_response_that_is_read_slowly_holds_no_connection(
    handler: OneThreadHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asynctester.middleware.one_thread.close_old_connections", lambda: note("given back"))

    async def never_read() -> list[str]:
        communicator = request_to(handler, "view")
        await communicator.send_input({"type": "http.request", "body": b""})
        await communicator.receive_output(LIMIT)  # the head; nobody takes the rest
        pieces = [piece for piece, _ in ran]
        await communicator.wait(LIMIT)
        return pieces

    assert "given back" in async_to_sync(never_read)()
