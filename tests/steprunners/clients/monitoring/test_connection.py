"""How a monitoring server is reached, and what its failures are called."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
import trustme
from pydantic import ValidationError

from steprunners.clients.monitoring.checking import check_queries
from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import DeadlineExceeded, Refused, StepError
from steprunners.kinds.prometheus import PrometheusConnection
from steprunners.network import Call
from tests.steprunners.conftest import LOOPBACK
from tests.steprunners.target import Exchange, Target

OK = {"status": "success", "data": {}}


def call(seconds: float = 5) -> Call:
    return Call(LOOPBACK, Deadline(seconds), Cancellation())


def ask(target: Target, parameters: dict[str, str] | None = None, **config: Any) -> dict[str, Any]:
    connection = PrometheusConnection.model_validate({"url": target.url, **config})
    return connection.ask(call(), "/api", parameters or {"query": "up"})


def answering(
    target: Target, status: int, body: bytes, content_type: str = "text/plain", **headers: str
) -> None:
    shown = [
        ("Content-Type", content_type),
        *((name.replace("_", "-"), text) for name, text in headers.items()),
    ]
    target.route("/api", lambda exchange: exchange.reply(status, body, shown))


@pytest.mark.parametrize(
    ("config", "header"),
    [
        ({}, None),
        ({"authToken": "s3cret-token"}, "Bearer s3cret-token"),
        (
            {"username": "tester", "password": "pä:ss"},
            "Basic " + base64.b64encode("tester:pä:ss".encode()).decode(),
        ),
    ],
)
def test_login(target: Target, config: dict[str, Any], header: str | None) -> None:
    target.route("/api", lambda exchange: exchange.reply_json(OK))
    assert ask(target, **config) == OK
    assert target.received[0].headers.get("authorization") == header


def test_a_base_path_is_kept(target: Target) -> None:
    target.route("/prom/api", lambda exchange: exchange.reply_json(OK))
    connection = PrometheusConnection(url=f"{target.url}/prom/")
    assert connection.ask(call(), "/api", {}) == OK


@pytest.mark.parametrize(("length", "method"), [(10, "GET"), (10_000, "POST")])
def test_a_long_query_goes_into_the_body(target: Target, length: int, method: str) -> None:
    target.route("/api", lambda exchange: exchange.reply_json(OK))
    query = "ü&=" * (length // 3)
    ask(target, {"query": query})
    exchange = target.received[0]
    assert exchange.method == method
    sent = exchange.path.partition("?")[2] or exchange.body.decode()
    assert dict(parse_qsl(sent)) == {"query": query}


@pytest.mark.parametrize(
    ("status", "body", "content_type", "code", "told"),
    [
        (400, json.dumps({"status": "error", "errorType": "bad_data", "error": "unclosed brace"}).encode(),
         "application/json", "refused", "Prometheus refuses the query (400): bad_data: unclosed brace"),
        (401, b"Unauthorized\n", "text/plain", "refused", "refuses the login (401)"),
        (403, b"", "text/plain", "refused", "refuses the login (403)"),
        (404, b"<html><title>404 &amp; gone</title></html>", "text/html", "refused",
         "(404): an HTML page titled '404 & gone'"),
        (422, b'{"error": "many-to-many"}', "application/json", "refused", "(422): many-to-many"),
        (429, b"slow down", "text/plain", "refused", "too many requests (429), asks to wait 7 s: slow down"),
        (500, b"x" * 5_000, "text/plain", "server_error", "could not answer (500): " + "x" * 500 + "…"),
        (502, b"<html><body>Bad Gateway", "text/html", "server_error", "could not answer (502): an HTML page"),
        (503, b"\x00\xff\xfe", "application/octet-stream", "server_error", "(503): bytes that are not text"),
        (304, b"", "text/plain", "bad_response", "status 304"),
        (200, b"<html><title>Sign in</title>", "text/html", "bad_response", "an HTML page titled 'Sign in'. Is the"),
        (200, b"", "text/plain", "bad_response", "nothing"),
        (200, b"[1]", "application/json", "bad_response", "[1]"),
        (200, b'{"status": "error", "error": "late"}', "application/json", "refused", "answers with an error: late"),
    ],
)  # fmt: skip
def test_failures(target: Target, status: int, body: bytes, content_type: str, code: str, told: str) -> None:
    answering(target, status, body, content_type, Retry_After="7")
    with pytest.raises(StepError) as caught:
        ask(target)
    assert caught.value.code == code
    assert told in caught.value.message


@pytest.mark.parametrize("timeout", [0.2, "200ms"])
def test_the_resources_timeout_ends_a_query_that_hangs(target: Target, timeout: float | str) -> None:
    target.route("/api", Exchange.hang)
    with pytest.raises(DeadlineExceeded, match="200 ms"):
        ask(target, timeout=timeout)


def test_a_body_that_never_ends_is_ended(target: Target) -> None:
    def endless(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
        exchange.hang()

    target.route("/api", endless)
    with pytest.raises(DeadlineExceeded):
        ask(target, timeout=0.2)


def test_tls_with_the_resources_authority(tls_target: Callable[..., Target], authority: trustme.CA) -> None:
    server = tls_target()
    server.route("/api", lambda exchange: exchange.reply_json(OK))
    assert ask(server, caCertificate=authority.cert_pem.bytes().decode()) == OK
    assert ask(server, verifyTls=False) == OK
    with pytest.raises(StepError, match="not trusted"):
        ask(server)


def test_secrets_are_secret() -> None:
    assert PrometheusConnection.secret_fields() == {"authToken", "password"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "prometheus:9090"}, {"url": "ftp://x"}, {"url": "http://u:p@x"}, {"url": "http://x?a=1"},
        {"authToken": "a\r\nX: y"}, {"authToken": "a", "username": "b"}, {"password": "x"}, {"timeout": 0},
        {"timeout": "soon"}, {"tenantId": "x"},
    ],
)  # fmt: skip
def test_config_is_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PrometheusConnection.model_validate({"url": "http://127.0.0.1:9090", **wrong})


class TestCheck:
    def test_it_really_asks(self, prometheus_url: str) -> None:
        connection = PrometheusConnection(url=prometheus_url)
        assert check_queries(connection, LOOPBACK, Deadline(5)) == "Prometheus answers queries"

    def test_a_wrong_password(self, prometheus_with_login: str) -> None:
        wrong = PrometheusConnection(url=prometheus_with_login, username="tester", password="wrong-one")
        with pytest.raises(Refused, match=r"refuses the login \(401\)") as caught:
            check_queries(wrong, LOOPBACK, Deadline(5))
        assert "wrong-one" not in caught.value.message
        right = PrometheusConnection(url=prometheus_with_login, username="tester", password="let-me-in")
        assert check_queries(right, LOOPBACK, Deadline(5))

    def test_nothing_there(self, target: Target) -> None:
        url = target.url
        target.close()
        with pytest.raises(StepError, match="connection refused"):
            check_queries(PrometheusConnection(url=url), LOOPBACK, Deadline(5))

    def test_no_such_name(self) -> None:
        with pytest.raises(StepError, match=r"nowhere\.invalid cannot be resolved"):
            check_queries(PrometheusConnection(url="http://nowhere.invalid"), LOOPBACK, Deadline(5))

    def test_another_server(self, target: Target) -> None:
        with pytest.raises(Refused, match="there is no Prometheus API"):
            check_queries(PrometheusConnection(url=target.url), LOOPBACK, Deadline(5))
