"""A valid answer that is cut anywhere: never a result with a part of it."""

from __future__ import annotations

import gzip
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steprunners.clients.http.checking import check_server
from steprunners.clients.http.connection import HttpConnection
from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import StepError
from steprunners.kinds.prometheus import PrometheusConnection
from steprunners.network import Call
from tests.steprunners.conftest import LOOPBACK, MakeContext
from tests.steprunners.http_calls import run
from tests.steprunners.network.http1.raw_answers import error_of
from tests.steprunners.target import CloseConnection, Exchange, Target

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
ZIPPED = gzip.compress(b"hello, world")
WHOLE = {
    "plain": HEAD + b"Content-Length: 12\r\n\r\nhello, world",
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x\r\n, world\r\n0\r\nX: y\r\n\r\n",
    "gzip": HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(ZIPPED) + ZIPPED,
    "gzip until closed": HEAD + b"Content-Encoding: gzip\r\n\r\n" + ZIPPED,
    "gzip in chunks": HEAD
    + b"Transfer-Encoding: gzip, chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(ZIPPED), ZIPPED),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_cut_at_every_byte(target: Target, make_context: MakeContext, kind: str) -> None:
    raw = WHOLE[kind]
    for end in range(len(raw)):
        error = error_of(target, make_context, raw[:end], closes=True)
        assert error.code in ("connection_failed", "bad_response"), end


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(WHOLE)),
    cuts=st.lists(st.integers(0, 200), max_size=12),
    lost=st.integers(0, 40),
)
def test_in_pieces_it_is_the_same(
    target: Target, make_context: MakeContext, kind: str, cuts: list[int], lost: int
) -> None:
    raw = WHOLE[kind]
    sent = raw[: len(raw) - lost]
    places = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]

    def speak(exchange: Exchange) -> None:
        for begin, end in pairwise(places):
            exchange.send(sent[begin:end])
        raise CloseConnection

    url = target.route("/", speak)
    if lost:
        with pytest.raises(StepError):
            run(make_context(), url=url)
    else:
        assert run(make_context(), url=url)["body"] == "hello, world"


def test_a_redirect_does_not_wait_for_its_body(target: Target, make_context: MakeContext) -> None:
    def redirect(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 5\r\n\r\n")
        exchange.hang()

    target.route("/b", lambda exchange: exchange.reply(200, b"here"))
    assert run(make_context(), url=target.route("/a", redirect))["body"] == "here"


def test_a_redirect_whose_body_came_keeps_its_connection(target: Target, make_context: MakeContext) -> None:
    target.route("/a", lambda exchange: exchange.reply(302, b"moved", [("Location", "/b")]))
    target.route("/b", lambda exchange: exchange.reply(200, b"here"))
    assert run(make_context(), url=target.url + "/a")["body"] == "here"
    assert target.connections == 1


def test_an_answer_before_the_whole_request_was_read(target: Target, make_context: MakeContext) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.reply(413, b"too large", [("Connection", "close")])
        raise CloseConnection

    result = run(make_context(), url=target.route("/", refuse), method="POST", body="x" * 100)
    assert (result["status"], result["body"]) == (413, "too large")


class TestOtherClients:
    """A cut answer is no verdict for those who ask beside the http step, either."""

    CUT = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (len(ZIPPED) - 8) + ZIPPED[:-8]

    @pytest.fixture(autouse=True)
    def cut(self, target: Target) -> None:
        for path in ("/", "/token", "/api"):
            target.route(path, lambda exchange: exchange.send(self.CUT))

    def test_the_check_of_a_resource(self, target: Target) -> None:
        with pytest.raises(StepError, match="gzip ends too early"):
            check_server(HttpConnection(base_url=target.url), LOOPBACK, Deadline(5))

    def test_a_token(self, target: Target, make_context: MakeContext) -> None:
        auth = {
            "type": "oauth2ClientCredentials",
            "tokenUrl": target.url + "/token",
            "clientId": "id",
            "clientSecret": "secret",
        }
        with pytest.raises(StepError, match="gzip ends too early"):
            run(make_context(), url=target.url + "/x", auth=auth)

    def test_a_monitoring_server(self, target: Target) -> None:
        connection = PrometheusConnection.model_validate({"url": target.url})
        with pytest.raises(StepError, match="gzip ends too early"):
            connection.ask(Call(LOOPBACK, Deadline(5), Cancellation()), "/api", {"query": "up"})
