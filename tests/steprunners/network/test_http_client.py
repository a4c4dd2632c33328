"""One HTTP exchange: its redirects, and how much of it is read."""

from __future__ import annotations

import gzip
import threading
import time
from typing import Any

import pytest

from steprunners.clients.http.checking import check_server
from steprunners.clients.http.connection import HttpConnection
from steprunners.deadline import Deadline
from steprunners.errors import Cancelled, DeadlineExceeded, StepError
from steprunners.network import NetworkPolicy
from tests.steprunners.conftest import LOOPBACK, MakeContext
from tests.steprunners.http_calls import answer, run
from tests.steprunners.target import Exchange, Target


class TestRedirects:
    @pytest.mark.parametrize(
        ("status", "method", "then", "keeps_body"),
        [
            (301, "POST", "GET", False),
            (302, "POST", "GET", False),
            (303, "PUT", "GET", False),
            (303, "HEAD", "HEAD", False),
            (302, "PUT", "PUT", True),
            (307, "POST", "POST", True),
            (308, "PATCH", "PATCH", True),
        ],
    )
    def test_method(
        self, target: Target, make_context: MakeContext, status: int, method: str, then: str, keeps_body: bool
    ) -> None:
        target.route("/a", answer({"Location": "b?x=1#frag"}, b"moved", status))
        result = run(make_context(), url=target.url + "/a", method=method, body={"k": 1})
        second = target.received[1]
        assert (second.method, second.path) == (then, "/b?x=1")
        if method != "HEAD":
            assert (second.body == b'{"k":1}', "content-type" in second.headers) == (keeps_body, keeps_body)
        assert result["redirects"] == [{"status": status, "url": target.url + "/a"}]
        assert result["url"] == target.url + "/b?x=1#frag"

    def test_credentials_stay_with_their_server(self, target: Target, make_context: MakeContext) -> None:
        with Target() as other:
            target.route("/a", answer({"Location": other.url + "/b"}, b"", 302))
            headers = {"Authorization": "Bearer x", "Cookie": "own=1", "X-Api": "kept"}
            run(make_context(), url=target.url + "/a", headers=headers)
            [sent] = other.received
        assert "authorization" not in sent.headers
        assert "cookie" not in sent.headers
        assert sent.headers["x-api"] == "kept"

    def test_headers_of_a_resource_stay_with_its_server(
        self, target: Target, make_context: MakeContext
    ) -> None:
        connection = HttpConnection(base_url=target.url, headers={"X-Api-Key": "hunter2", "X-Own": "of it"})
        with Target() as other:
            for path in ("/", "/a"):
                target.route(path, answer({"Location": other.url + "/b"}, b"", 302))
            run(make_context(connection=connection), url="/a", headers={"x-own": "of the step"})
            check_server(connection, LOOPBACK, Deadline(5))
            of_step, of_check = other.received
        assert target.received[0].headers["x-api-key"] == "hunter2"
        assert "x-api-key" not in {*of_step.headers, *of_check.headers}
        assert of_step.headers["x-own"] == "of the step"

    def test_each_hop_is_checked(self, target: Target, make_context: MakeContext) -> None:
        with Target() as hidden:
            target.route("/a", answer({"Location": hidden.url}, b"", 302))
            context = make_context(network=NetworkPolicy(allowed=(f"127.0.0.1:{target.port}",)))
            with pytest.raises(StepError) as caught:
                run(context, url=target.url + "/a")
            assert caught.value.code == "address_refused"
            assert hidden.connections == 0

    def test_loop(self, target: Target, make_context: MakeContext) -> None:
        target.route("/a", answer({"Location": "/b"}, b"", 302))
        target.route("/b", answer({"Location": "/a"}, b"", 302))
        with pytest.raises(StepError, match="more than 10 redirects") as caught:
            run(make_context(), url=target.url + "/a")
        assert caught.value.code == "too_many_redirects"
        assert len(target.received) == 11

    @pytest.mark.parametrize("locations", [["/a", "/a"], ["/b", "/a"], ["/b", "/a", "/b", "/a"]])
    def test_a_loop_that_ends(self, target: Target, make_context: MakeContext, locations: list[str]) -> None:
        """A server may send the same redirect until something is ready."""
        left = iter(locations)

        def answers(exchange: Exchange) -> None:
            location = next(left, None)
            exchange.reply(302 if location else 200, b"ready", [("Location", location)] if location else [])

        for path in ("/a", "/b"):
            target.route(path, answers)
        result = run(make_context(), url=target.url + "/a", maxRedirects=len(locations))
        assert (result["status"], len(result["redirects"])) == (200, len(locations))

    def test_too_many(self, target: Target, make_context: MakeContext) -> None:
        for number in range(4):
            target.route(f"/{number}", answer({"Location": f"/{number + 1}"}, b"", 302))
        with pytest.raises(StepError, match="more than 2 redirects") as caught:
            run(make_context(), url=target.url + "/0", maxRedirects=2)
        assert caught.value.code == "too_many_redirects"
        assert len(target.received) == 3

    def test_not_followed(self, target: Target, make_context: MakeContext) -> None:
        target.route("/a", answer({"Location": "/b"}, b"moved", 302))
        result = run(make_context(), url=target.url + "/a", followRedirects=False)
        assert (result["status"], result["body"], result["redirects"]) == (302, "moved", [])

    @pytest.mark.parametrize("location", ["ftp://h/x", "javascript:alert(1)", "http://[::1"])
    def test_bad_location(self, target: Target, make_context: MakeContext, location: str) -> None:
        target.route("/a", answer({"Location": location}, b"", 302))
        with pytest.raises(StepError, match="redirects to") as caught:
            run(make_context(), url=target.url + "/a")
        assert caught.value.code == "bad_redirect"

    def test_the_endless_body_of_a_redirect_is_not_read(
        self, target: Target, make_context: MakeContext
    ) -> None:
        def endless(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                exchange.send(b"5\r\nxxxxx\r\n")

        target.route("/a", endless)
        target.route("/b", answer({}, b"here"))
        assert run(make_context(), url=target.url + "/a")["body"] == "here"


class TestLimits:
    def limited(self, make_context: MakeContext, size: int) -> Any:
        return make_context(network=NetworkPolicy(allowed=LOOPBACK.allowed, max_body_bytes=size))

    def test_a_body_of_the_limit_is_read_and_one_more_byte_is_not(
        self, target: Target, make_context: MakeContext
    ) -> None:
        url = target.route("/", answer({}, b"x" * 1000))
        assert run(self.limited(make_context, 1000), url=url)["sizeBytes"] == 1000
        with pytest.raises(StepError, match="larger than 999") as caught:
            run(self.limited(make_context, 999), url=url)
        assert caught.value.code == "response_too_large"

    def test_a_compressed_bomb_ends_early(self, target: Target, make_context: MakeContext) -> None:
        bomb = gzip.compress(b"\0" * 50_000_000, compresslevel=1)
        url = target.route("/", answer({"Content-Encoding": "gzip"}, bomb))
        with pytest.raises(StepError) as caught:
            run(make_context(), url=url)
        assert caught.value.code == "response_too_large"

    def drip_body(self, exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        self.drip(exchange)

    def drip_endless_body(self, exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")
        self.drip(exchange)

    def drip_headers(self, exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nX: ")
        self.drip(exchange)

    def drip(self, exchange: Exchange) -> None:
        while True:
            exchange.send(b"x")
            time.sleep(0.02)

    def silence(self, exchange: Exchange) -> None:
        exchange.hang()

    @pytest.mark.parametrize("behaviour", ["drip_body", "drip_endless_body", "drip_headers", "silence"])
    def test_the_deadline_ends_it_on_time(
        self, target: Target, make_context: MakeContext, behaviour: str
    ) -> None:
        url = target.route("/", getattr(self, behaviour))
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            run(make_context(0.3), url=url)
        assert 0.25 < time.monotonic() - started < 30

    @pytest.mark.parametrize("behaviour", ["drip_body", "drip_headers", "silence"])
    def test_cancel_ends_it_at_once(self, target: Target, make_context: MakeContext, behaviour: str) -> None:
        url = target.route("/", getattr(self, behaviour))
        context = make_context(90)
        threading.Timer(0.2, context.cancellation.cancel).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            run(context, url=url)
        assert time.monotonic() - started < 30

    def test_a_cancelled_execution_sends_nothing(self, target: Target, make_context: MakeContext) -> None:
        context = make_context()
        context.cancellation.cancel()
        with pytest.raises(Cancelled):
            run(context, url=target.url)
        assert target.received == []
