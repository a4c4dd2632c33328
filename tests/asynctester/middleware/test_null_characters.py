"""Tests of `asynctester.middleware.null_characters`."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from accounts.models import User
from tests.cast import ApiFor


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("/api/v1/teams?search=%00", "search"),
        ("/api/v1/teams?search=a&search=b%00c", "search"),
        ("/api/v1/teams?%00=1", r"\u0000"),
        ("/api/v1/teams/%00", "path"),
    ],
)
def test_the_api_says_where(client: Client, url: str, place: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == place


def test_pages_refuse_it_too(client: Client) -> None:
    assert client.get("/sign-in?next=%00").status_code == 400


def test_asgi_requests_are_guarded(async_client: AsyncClient) -> None:
    get = async_to_sync(async_client.get)
    assert get("/api/v1/openapi.json?a=%00").status_code == 400
    assert get("/healthz?a=b").status_code == 200


def test_everything_else_passes(api: ApiFor, alice: User) -> None:
    assert api(alice).get("/api/v1/teams?search=%F0%9F%98%80%FF").status_code == 200
