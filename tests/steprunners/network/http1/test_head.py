"""Status lines and headers, right and wrong, on a connection that stays open."""

from __future__ import annotations

import pytest

from steprunners.masking.known_secrets import KnownSecrets, hiding
from steprunners.network.http1.stream import MAX_HEAD_BYTES
from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import run
from tests.steprunners.network.http1.raw_answers import error_of, result_of
from tests.steprunners.target import Target

FIRST = b"HTTP/1.1 200 OK\r\n"
REST = b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"


class TestHeaders:
    @pytest.mark.parametrize(
        "odd",
        [
            b"preload",
            b"<html>",
            b"X Y: 1",
            b": empty",
            b"\tfolded at the beginning",
            b"\0: x",
            b"Content-Length 9",
        ],
    )
    def test_a_line_that_is_no_header_is_left_out(
        self, target: Target, make_context: MakeContext, odd: bytes
    ) -> None:
        result = result_of(target, make_context, FIRST + odd + b"\r\nX-A: 1\r\n" + REST)
        assert result["headers"] == {"x-a": "1", "content-type": "text/plain", "content-length": "5"}
        assert result["body"] == "hello"

    @pytest.mark.parametrize("odd", [b"Content-Length 5", b"Content Length: 5", b"preload"])
    def test_it_is_an_error_where_no_other_line_tells_the_length(
        self, target: Target, make_context: MakeContext, odd: bytes
    ) -> None:
        error = error_of(target, make_context, FIRST + odd + b"\r\n\r\nhello")
        assert (error.code, odd.decode() in error.message) == ("bad_response", True)

    def test_the_message_hides_secrets_and_is_short(self, target: Target, make_context: MakeContext) -> None:
        secret = "hunter2-" * 20
        with hiding(KnownSecrets([secret])):
            error = error_of(
                target, make_context, FIRST + b"token " + secret.encode() + b"x" * 200 + b"\r\n\r\n"
            )
        assert "hunter2" not in error.message
        assert len(error.message) < 300

    @pytest.mark.parametrize(
        ("line", "name", "value"),
        [
            (b"Server : x", "server", "x"),
            (b"Server\t:\tx \t", "server", "x"),
            (b"Server:x", "server", "x"),
            (b"Server: x\r\n  y\r\n\tz", "server", "x y z"),
            (b"Server: a\0b\rc", "server", "a b c"),
            (b"Server:", "server", ""),
            (b"Server: a:b", "server", "a:b"),
            (b"X(y): 1", "x(y)", "1"),
        ],
    )
    def test_lines_that_are_read_leniently(
        self, target: Target, make_context: MakeContext, line: bytes, name: str, value: str
    ) -> None:
        result = result_of(target, make_context, FIRST + line + b"\r\n" + REST)
        assert (result["headers"][name], result["body"]) == (value, "hello")

    def test_lines_that_end_with_lf_alone(self, target: Target, make_context: MakeContext) -> None:
        result = result_of(target, make_context, (FIRST + REST).replace(b"\r\n", b"\n"))
        assert (result["headers"]["content-type"], result["body"]) == ("text/plain", "hello")

    def test_hundreds_of_lines(self, target: Target, make_context: MakeContext) -> None:
        lines = b"".join(b"X-%d: %d\r\n" % (number, number) for number in range(500))
        result = result_of(target, make_context, FIRST + lines + REST)
        assert (result["headers"]["x-499"], result["body"]) == ("499", "hello")

    @pytest.mark.parametrize(
        "endless", [b"X: " + b"x" * MAX_HEAD_BYTES, b"X: y\r\n" * 10_000, b"x" * (2 * MAX_HEAD_BYTES)]
    )
    def test_too_many_bytes(self, target: Target, make_context: MakeContext, endless: bytes) -> None:
        error = error_of(target, make_context, FIRST + endless)
        assert (error.code, "too long" in error.message) == ("bad_response", True)

    def test_a_connection_with_an_odd_line_is_not_used_again(
        self, target: Target, make_context: MakeContext
    ) -> None:
        target.route("/", lambda exchange: exchange.send(FIRST + b"preload\r\n" + REST))
        for _ in range(2):
            run(make_context(), url=target.url + "/")
        assert target.connections == 2


class TestStatusLine:
    @pytest.mark.parametrize(
        ("line", "status", "reason"),
        [
            (b"HTTP/1.1 200", 200, ""),
            (b"HTTP/1.1 200 ", 200, ""),
            (b"HTTP/1.1 299 All is  well", 299, "All is  well"),
            (b"HTTP/1.1  404   Nope", 404, "Nope"),
            (b"HTTP/1.1 999 X", 999, "X"),
            (b"HTTP/1.5 200 OK", 200, "OK"),
            (b"HTTP/1.0 200 OK", 200, "OK"),
        ],
    )
    def test_lines_that_are_read(
        self, target: Target, make_context: MakeContext, line: bytes, status: int, reason: str
    ) -> None:
        result = result_of(target, make_context, line + b"\r\n" + REST)
        assert (result["status"], result["reason"], result["body"]) == (status, reason, "hello")

    @pytest.mark.parametrize(
        "line",
        [
            b"HTTP/2 200",
            b"HTTP/2.0 200 OK",
            b"ICY 200 OK",
            b"HTTP/1.1 20 OK",
            b"HTTP/1.1 2000 OK",
            b"HTTP/1.1 099 OK",
            b"HTTP/1.1 abc",
            b"HTTP/1.1",
            b"HTTP/x 200 OK",
            b"http/1.1 200 OK",
            b"220 smtp.example ready",
            b"",
        ],
    )
    def test_lines_that_are_none(self, target: Target, make_context: MakeContext, line: bytes) -> None:
        error = error_of(target, make_context, line + b"\r\n")
        assert (error.code, f"'{line.decode()}'" in error.message) == ("bad_response", True)

    @pytest.mark.parametrize("raw", [b"x", b"\x15\x03\x03\x00\x02\x02", b"HTTQ", b"{}"])
    def test_other_protocols_are_known_by_their_first_bytes(
        self, target: Target, make_context: MakeContext, raw: bytes
    ) -> None:
        assert error_of(target, make_context, raw).code == "bad_response"

    def test_interim_answers_are_skipped(self, target: Target, make_context: MakeContext) -> None:
        interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: 1\r\n\r\n"
        interim += b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + b"HTTP/1.1 199\r\n\r\n"
        result = result_of(target, make_context, interim + FIRST + REST)
        assert (result["status"], result["body"], "link" in result["headers"]) == (200, "hello", False)

    def test_endless_interim_answers(self, target: Target, make_context: MakeContext) -> None:
        error = error_of(target, make_context, b"HTTP/1.1 102 Processing\r\n\r\n" * 20_000)
        assert error.code == "bad_response"

    def test_another_protocol_may_follow(self, target: Target, make_context: MakeContext) -> None:
        result = result_of(
            target, make_context, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nwhatever"
        )
        assert (result["status"], result["body"]) == (101, "")
