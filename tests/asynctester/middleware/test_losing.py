"""Tests of `losing`: whoever comes second is told so by API, pages and admin alike, and never by a 500."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import IntegrityError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import path
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from accounts.models import Team
from accounts.transactions import Overtaken
from asynctester import urls
from asynctester.middleware.errors import bad_request
from asynctester.middleware.losing import loss_of
from resources.services import InUse

LOST: dict[str, tuple[Exception, int]] = {
    "gone": (Team.DoesNotExist("it was deleted"), 404),
    "protected": (ProtectedError("in use", set()), 409),
    "restricted": (RestrictedError("in use", set()), 409),
    "taken": (IntegrityError("UNIQUE constraint failed: accounts_team.name"), 409),
    "reference": (IntegrityError("FOREIGN KEY constraint failed"), 409),
    "overtaken": (Overtaken("The member's role was changed."), 409),
}
OTHERS: dict[str, Exception] = {
    "bug": RuntimeError("a bug"),
    "lost": OperationalError("server closed the connection"),
    "null": IntegrityError("NOT NULL constraint failed: accounts_team.name"),
}


RAISED: dict[str, Exception] = {
    **{name: lost for name, (lost, _) in LOST.items()},
    **OTHERS,
    "use": InUse(["x"]),
}


class Raises(APIView):
    """Raises what the test asks for."""

    permission_classes = ()

    def get(self, request: Request, kind: str) -> Response:
        raise RAISED[kind]


def page(request: Any, kind: str) -> HttpResponse:
    raise RAISED[kind]


class UrlsOfTheTest:
    """The real URLs and two that fail."""

    urlpatterns = [
        path("api/v1/raises/<str:kind>", Raises.as_view()),
        path("api/v1/outside/<str:kind>", page),
        path("raises/<str:kind>", page),
        *urls.urlpatterns,
    ]
    handler400, handler403 = staticmethod(urls.handler400), staticmethod(urls.handler403)
    handler404, handler500 = staticmethod(urls.handler404), staticmethod(urls.handler500)


@pytest.fixture
def client(settings: Settings, db: None) -> APIClient:
    settings.ROOT_URLCONF = UrlsOfTheTest
    return APIClient(raise_request_exception=False)


@pytest.mark.parametrize("place", ["/api/v1/raises/", "/api/v1/outside/", "/raises/"])
@pytest.mark.parametrize("name", LOST)
def test_the_loser_is_told(client: APIClient, place: str, name: str) -> None:
    answer = client.get(f"{place}{name}")
    assert answer.status_code == LOST[name][1]
    if place.startswith("/api/"):
        (error,) = answer.json()["errors"]
        assert error["code"] == ("not_found" if answer.status_code == 404 else "conflict")
        assert error["attr"] is None


@pytest.mark.parametrize("name", OTHERS)
def test_a_fault_of_ours_stays_one(client: APIClient, name: str) -> None:
    assert loss_of(RAISED[name]) is None
    assert client.get(f"/raises/{name}").status_code == 500


def test_a_page_says_what_uses_it(client: APIClient) -> None:
    answer = client.get("/raises/use")
    assert answer.status_code == 409
    assert "It is still used by x" in answer.content.decode()


def test_the_text_of_what_was_overtaken_is_shown(client: APIClient) -> None:
    assert "role was changed" in client.get("/raises/overtaken").content.decode().replace("&#x27;", "'")


def test_a_session_that_was_ended_meanwhile() -> None:
    request = RequestFactory().get("/api/v1/teams")
    assert bad_request(request, SessionInterrupted("ended")).status_code == 409
