"""Tests of `asynctester.middleware.errors`: outages and faults, raised by views and by what is around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, ProgrammingError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from asynctester.middleware import errors
from telemetry.metrics import HTTP_REQUESTS

AWAY = psycopg.OperationalError("connection refused")
WRONG = psycopg.errors.UndefinedTable("relation does not exist")


def away(request: HttpRequest) -> HttpResponse:
    raise OperationalError("connection refused: postgres at 10.0.0.1") from AWAY


def wrong(request: HttpRequest) -> HttpResponse:
    raise ProgrammingError("relation does not exist") from WRONG


def quiet(request: HttpRequest) -> HttpResponse:
    return HttpResponse("quiet")


def breaks(get_response: Callable[[HttpRequest], Any]) -> Any:
    """A middleware that asks the database."""

    def answer(request: HttpRequest) -> Any:
        return away(request) if "asked" in request.path else get_response(request)

    return answer


VIEWS = {"away": away, "wrong": wrong, "asked": quiet}
urlpatterns = [path(prefix + name, view) for prefix in ("", "api/") for name, view in VIEWS.items()]
handler400, handler500 = errors.bad_request, errors.server_error


@pytest.fixture
def client(settings: Settings) -> Client:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [
        "asynctester.middleware.requests_seen.observe",
        "asynctester.middleware.errors.OutageMiddleware",
        f"{__name__}.breaks",
    ]
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("name", ["away", "asked"])
def test_an_outage_is_503_wherever_it_is_raised(client: Client, name: str) -> None:
    page, api = client.get(f"/{name}"), client.get(f"/api/{name}")
    for answer in (page, api):
        assert answer.status_code == 503
        assert answer["Retry-After"].isdigit()
        assert "10.0.0.1" not in answer.content.decode()
    assert "Not available at the moment" in page.content.decode()
    assert api.json()["type"] == "server_error"
    assert api.json()["errors"][0]["code"] == "unavailable"


def test_it_is_counted_and_has_a_line_in_the_log_and_no_traceback(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    before = HTTP_REQUESTS.labels("GET", "away", "503")._value.get()
    client.get("/away")
    assert HTTP_REQUESTS.labels("GET", "away", "503")._value.get() == before + 1
    assert "An outage: connection refused" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_fault_of_ours_stays_500_and_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    for prefix in ("/", "/api/"):
        answer = client.get(prefix + "wrong")
        assert (answer.status_code, answer.get("Retry-After")) == (500, None)
    assert "relation does not exist" in caplog.text
