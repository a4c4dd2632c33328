"""Tests of `accounts.audit.origin`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from accounts.audit.doors import Door
from accounts.audit.origin import Origin, origin, remember_request
from accounts.models import User


def _request(path: str = "/flows", **meta: str) -> HttpRequest:
    return RequestFactory().get(path, **meta)  # type: ignore[arg-type]  # META by keyword


@pytest.mark.parametrize(
    ("path", "door"), [("/admin/flows/", Door.ADMIN), ("/flows", Door.PAGE), ("/api/v1/flows", Door.API)]
)
def test_the_address_says_which_door(path: str, door: Door) -> None:
    assert origin(_request(path)).door == door


def test_a_pages_script_comes_through_the_page(alice: User) -> None:
    request = _request("/api/v1/flows")
    request.user = alice
    assert origin(request) == Origin(Door.PAGE, user=alice, ip="127.0.0.1")
    request.auth = object()  # type: ignore[attr-defined]  # what DRF sets for a token
    assert origin(request).door == Door.API


@pytest.mark.parametrize(
    ("given", "kept"), [("192.0.2.1", "192.0.2.1"), ("2001:DB8::1", "2001:db8::1"), ("", None)]
)
def test_the_address_of_the_client(given: str, kept: str | None) -> None:
    assert origin(_request(REMOTE_ADDR=given)).ip == kept


def test_headers_do_not_speak_for_the_address() -> None:
    assert origin(_request(HTTP_X_FORWARDED_FOR="192.0.2.66")).ip == "127.0.0.1"


def test_the_request_is_at_hand_while_it_is_answered() -> None:
    seen: list[Origin] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(origin())
        return HttpResponse()

    remember_request(view)(_request(REMOTE_ADDR="192.0.2.1"))
    assert seen == [Origin(Door.PAGE, ip="192.0.2.1")]
    assert origin() == Origin(Door.SYSTEM)


def test_requests_at_once_are_kept_apart() -> None:
    together = Barrier(2)

    def view(request: HttpRequest) -> HttpResponse:
        together.wait(timeout=30)
        return HttpResponse(origin().ip)

    def ask(address: str) -> bytes:
        answer = remember_request(view)(_request(REMOTE_ADDR=address))
        assert isinstance(answer, HttpResponse)
        return answer.content

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(ask, ("192.0.2.1", "192.0.2.2"))) == [b"192.0.2.1", b"192.0.2.2"]
