"""Tests of `asynctester.api.errors`: every error has the one shape, and no bad input is a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DataError
from django.db.models import ProtectedError
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from accounts.models import User
from asynctester import urls
from tests.cast import ApiFor

TEAMS = "/api/v1/teams"
RAISED: dict[str, Exception] = {
    "model": ModelValidationError({"name": ["is odd"]}),
    "whole": ModelValidationError("is odd as a whole"),
    "whole step": ValidationError({"steps": {"2": {"non_field_errors": ["is odd"]}}}),
    "data": DataError("integer out of range"),
    "overflow": OverflowError("int too large"),
    "protected": ProtectedError("in use", set()),
    "bug": RuntimeError("the secret reason"),
}


class Raises(APIView):
    """Raises what the test asks for."""

    permission_classes = ()

    def get(self, request: Request, kind: str) -> Response:
        raise RAISED[kind]


def page_with_a_bug(request: Any) -> HttpResponse:
    raise RuntimeError("the secret reason")


class UrlsOfTheTest:
    """The real URLs and two that fail."""

    urlpatterns = [
        path("api/v1/raises/<str:kind>", Raises.as_view()),
        path("api/v1/bug", page_with_a_bug),
        path("bug", page_with_a_bug),
        *urls.urlpatterns,
    ]
    handler400, handler403 = staticmethod(urls.handler400), staticmethod(urls.handler403)
    handler404, handler500 = staticmethod(urls.handler404), staticmethod(urls.handler500)


@pytest.fixture
def anonymous(settings: Settings) -> APIClient:
    """Return a client of an installation with bugs."""
    settings.ROOT_URLCONF = UrlsOfTheTest
    return APIClient(raise_request_exception=False)


def check(answer: Any, status: int, kind: str = "client_error") -> dict[str, Any]:
    """Return the only error of an answer that has the one shape."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"].startswith("application/json")
    body: dict[str, Any] = json.loads(answer.content)
    assert set(body) == {"type", "errors"}
    assert body["type"] == kind
    error: dict[str, Any]
    (error,) = body["errors"]
    assert set(error) == {"code", "detail", "attr"}
    return error


def post(client: APIClient, body: bytes, content_type: str = "application/json") -> Any:
    """Send these very bytes."""
    return client.generic("POST", TEAMS, body, content_type=content_type)  # type: ignore[arg-type]  # bytes work


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "options", "head"])
@pytest.mark.parametrize("url", ["/api", "/api/", "/api/v1", "/api/v2/teams", "/api/v1/nothing", f"{TEAMS}/"])
def test_unknown_paths_are_404_in_json(url: str, method: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)(url)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/json"


def test_unknown_pages_are_pages(client: Client, db: None) -> None:
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


def test_methods(api: ApiFor, alice: User) -> None:
    assert check(api(alice).delete(TEAMS), 405)["code"] == "method_not_allowed"


def test_media_types(api: ApiFor, alice: User) -> None:
    client = api(alice)
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense"):
        check(client.generic("POST", TEAMS, "name=x", content_type=media_type), 415)
    check(client.get(TEAMS, HTTP_ACCEPT="application/pdf"), 406)
    check(client.get(f"{TEAMS}?format=xml"), 404)


@pytest.mark.parametrize(
    "accept", ["", "*", "/", "a/b;q=x", "application/json;q=0.5, */*", ";;;", "\xff/\xff"]
)
def test_odd_accept_headers_do_no_harm(api: ApiFor, alice: User, accept: str) -> None:
    assert api(alice).get(TEAMS, HTTP_ACCEPT=accept).status_code in {200, 406}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b'{"name": NaN}',
        b"\xff",
        b"[" * 100_000,
        b'{"name": ' * 100_000,
        b"9" * 5000,
        b"null",
        b"[1]",
    ],
    ids=range(9),
)
def test_bodies_that_are_not_json_objects(api: ApiFor, alice: User, body: bytes) -> None:
    answer = post(api(alice), body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"]


@pytest.mark.parametrize("charset", ["utf-16", "nonsense", "bz2_codec", "\N{SNOWMAN}"])
def test_odd_charsets(api: ApiFor, alice: User, charset: str) -> None:
    answer = post(api(alice), b'{"name": "x"}', f"application/json; charset={charset}")
    assert answer.status_code in {201, 400}


@pytest.mark.parametrize("text", [r"a\u0000b", r"\ud800"])
def test_text_that_cannot_be_stored_is_refused_at_its_place(api: ApiFor, alice: User, text: str) -> None:
    answer = post(api(alice), f'{{"name": "{text}"}}'.encode())
    assert check(answer, 400, "validation_error")["attr"] == "name"


def test_large_bodies_are_413(api: ApiFor, alice: User, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = api(alice).post(TEAMS, {"name": "x" * 1000})
    assert check(answer, 413)["code"] == "payload_too_large"


def test_too_many_parameters_are_400(api: ApiFor, alice: User) -> None:
    check(api(alice).get(TEAMS + "?" + "&".join(f"p{n}=1" for n in range(2000))), 400)


@pytest.mark.parametrize(
    ("kind", "status", "type_", "attr"),
    [
        ("model", 400, "validation_error", "name"),
        ("whole", 400, "validation_error", None),
        ("whole step", 400, "validation_error", "steps.2"),
        ("data", 400, "validation_error", None),
        ("overflow", 400, "validation_error", None),
        ("protected", 409, "client_error", None),
        ("bug", 500, "server_error", None),
    ],
)
def test_what_django_raises_has_the_one_shape(
    anonymous: APIClient, kind: str, status: int, type_: str, attr: str | None
) -> None:
    answer = anonymous.get(f"/api/v1/raises/{kind}")
    assert check(answer, status, type_)["attr"] == attr
    assert b"secret reason" not in answer.content


def test_a_bug_outside_a_rest_view_is_json_below_api(anonymous: APIClient) -> None:
    assert b"secret" not in anonymous.get("/api/v1/bug").content
    check(anonymous.get("/api/v1/bug"), 500, "server_error")
    page = anonymous.get("/bug")
    assert (page.status_code, page["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert b"secret" not in page.content


def test_an_unknown_host_is_told_in_json(anonymous: APIClient) -> None:
    check(anonymous.get("/api/v1/openapi.json", HTTP_HOST="evil.example"), 400)


def test_session_users_browse_the_api(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    page = browser.get(TEAMS, HTTP_ACCEPT="text/html")
    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    assert b"Checkout" in page.content
    assert browser.get(TEAMS).json()["count"] == 1
    refused = browser.post(TEAMS, {"name": "x"}, content_type="application/json")
    assert check(refused, 403)["code"] == "permission_denied"  # a session needs the CSRF token
