"""Tests of `asynctester.middleware.requests_seen`."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.test import AsyncClient, Client
from django.utils.module_loading import import_string

from accounts.mail import links
from asynctester.middleware.requests_seen import logger
from tests.counted import counted

ECHOED = ["abc", "01a20420-8d7b-7765-9b94-ed9506c08be1", "a.b:c_d-e", "x" * 128]
MADE_ANEW = ["", "x" * 129, "a b", "a\tb", "ünïcode", '"quoted"', "${jndi:x}", "-begins-so"]


def answered(route: str, status: int) -> float:
    """Return how many GET requests were."""
    return counted("http_requests_total", method="GET", route=route, status=str(status))


@pytest.mark.parametrize("given", ECHOED)
def test_a_requests_own_id_is_kept(client: Client, given: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize("given", MADE_ANEW)
def test_what_is_no_id_is_replaced(client: Client, given: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": given})
    assert uuid.UUID(answer["X-Request-ID"])


def test_errors_have_it_as_well(client: Client) -> None:
    for path in ("/nowhere", "/api/v1/flows", "/?x=%00"):
        assert client.get(path, headers={"X-Request-ID": "mine"})["X-Request-ID"] == "mine"


def test_the_same_where_requests_are_async(async_client: AsyncClient) -> None:
    answer = async_to_sync(async_client.get)("/healthz", headers={"X-Request-ID": "mine"})
    assert answer.headers["X-Request-ID"] == "mine"


def test_metrics_and_log_name_the_route_never_the_address(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    route, secret = "api/v1/flows/<uuid:pk>", str(uuid.uuid4())
    before = answered(route, 401)
    with caplog.at_level(logging.INFO, logger.name):
        client.get(f"/api/v1/flows/{secret}")
    assert answered(route, 401) == before + 1
    [record] = [record for record in caplog.records if record.name == logger.name]
    assert record.facts["route"] == route  # type: ignore[attr-defined]  # given as `extra`
    assert record.facts["status"] == 401  # type: ignore[attr-defined]  # as above
    assert secret not in record.getMessage()


@pytest.mark.parametrize("status", [405, 500])
def test_django_s_own_lines_name_the_route_too(
    client: Client, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A link that resets a password is a secret, also where something goes wrong with it."""

    def broken(*_: object) -> None:
        raise RuntimeError("the session's table is gone")

    monkeypatch.setattr(links, "is_whole", broken)
    client.raise_request_exception = False
    lines = Lines()
    log = logging.getLogger("django.request")
    log.addHandler(lines)
    try:
        ask = client.post if status == 405 else client.get
        assert ask("/reset-password/a:live:token").status_code == status
    finally:
        log.removeHandler(lines)
    assert any("reset-password/<str:token>" in line for line in lines.found)
    assert not any("live" in line for line in lines.found)


class Lines(logging.Handler):
    """Keeps the messages that pass the filters of the settings' handler."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        told: Any = settings.LOGGING
        for name in told["handlers"]["console"]["filters"]:
            self.addFilter(import_string(told["filters"][name]["()"])())

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())


def test_unknown_addresses_are_one_series(client: Client) -> None:
    before = answered("unknown", 404)
    client.get(f"/{uuid.uuid4()}")
    client.get(f"/{uuid.uuid4()}")
    assert answered("unknown", 404) == before + 2


def test_probes_are_counted_and_not_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    before = answered("healthz", 200)
    with caplog.at_level(logging.INFO, logger.name):
        client.get("/healthz")
    assert answered("healthz", 200) == before + 1
    assert [record for record in caplog.records if record.name == logger.name] == []
