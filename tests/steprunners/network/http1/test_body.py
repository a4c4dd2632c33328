"""Where bodies end: lengths, chunks, the end of the connection."""

from __future__ import annotations

import pytest

from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import run
from tests.steprunners.network.http1.raw_answers import error_of, result_of
from tests.steprunners.target import Target

CHUNKED = b"Transfer-Encoding: chunked\r\n"


def answer(headers: bytes, body: bytes = b"", first: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return first + b"\r\nContent-Type: text/plain\r\n" + headers + b"\r\n" + body


class TestLength:
    @pytest.mark.parametrize(
        "headers",
        [
            b"Content-Length: 5, 5\r\n",
            b"Content-Length: 5\r\nContent-Length: 5\r\n",
            b"Content-Length: 5,5 , 05\r\n",
            b"Content-Length:5\r\n",
            b"content-length :\t5 \r\n",
            b"Content-Length: 005\r\n",
            b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
            b"Transfer-Encoding:\r\nContent-Length: 5\r\n",
        ],
    )
    def test_five_bytes(self, target: Target, make_context: MakeContext, headers: bytes) -> None:
        result = result_of(target, make_context, answer(headers, b"hello and more"))
        assert (result["body"], result["sizeBytes"]) == ("hello", 5)

    @pytest.mark.parametrize(
        "length", [b"5, 6", b"5\r\nContent-Length: 6", b"-5", b"+5", b"0x5", b"5a", b"", b"5 5", b"5.0", b"1_0",
                   b"\xd9\xa5", b"9" * 5000, b"5, ", b"5;x=1"],
    )  # fmt: skip
    def test_what_is_no_length(self, target: Target, make_context: MakeContext, length: bytes) -> None:
        error = error_of(target, make_context, answer(b"Content-Length: " + length + b"\r\n", b"hello"))
        assert (error.code, "Content-Length" in error.message) == ("bad_response", True)

    @pytest.mark.parametrize("first", [b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified"])
    @pytest.mark.parametrize(
        "headers",
        [b"Content-Length: 5\r\n", CHUNKED, b"", b"Content-Encoding: gzip\r\n", b"Content-Encoding: x\r\n"],
    )
    def test_statuses_without_a_body(
        self, target: Target, make_context: MakeContext, first: bytes, headers: bytes
    ) -> None:
        assert result_of(target, make_context, answer(headers, first=first))["sizeBytes"] == 0

    @pytest.mark.parametrize(
        "headers", [b"Content-Length: 5\r\n", CHUNKED, b"", b"Content-Encoding: compress\r\n"]
    )
    def test_head(self, target: Target, make_context: MakeContext, headers: bytes) -> None:
        assert result_of(target, make_context, answer(headers), method="HEAD")["sizeBytes"] == 0

    @pytest.mark.parametrize(
        "raw",
        [
            answer(b"Content-Length: 5\r\n", b"hello and more"),
            answer(b"", b"body", b"HTTP/1.1 204 No Content"),
            answer(b"Content-Length: 5\r\nConnection: Close, x\r\n", b"hello"),
            answer(b"Content-Length: 5\r\n", b"hello", b"HTTP/1.0 200 OK"),
            answer(CHUNKED + b"Content-Length: 2\r\n", b"2\r\nhe\r\n0\r\n\r\n"),
        ],
    )
    def test_a_doubtful_connection_is_not_used_again(
        self, target: Target, make_context: MakeContext, raw: bytes
    ) -> None:
        target.route("/", lambda exchange: exchange.send(raw))
        for _ in range(2):
            run(make_context(), url=target.url + "/")
        assert target.connections == 2

    def test_http_1_0_can_keep_its_connection(self, target: Target, make_context: MakeContext) -> None:
        raw = answer(b"Content-Length: 5\r\nConnection: Keep-Alive\r\n", b"hello", b"HTTP/1.0 200 OK")
        target.route("/", lambda exchange: exchange.send(raw))
        for _ in range(2):
            run(make_context(), url=target.url + "/")
        assert target.connections == 1

    @pytest.mark.parametrize("first", [b"HTTP/1.0 200 OK", b"HTTP/1.1 200 OK"])
    def test_until_the_connection_is_closed(
        self, target: Target, make_context: MakeContext, first: bytes
    ) -> None:
        assert result_of(target, make_context, answer(b"", b"hello", first), closes=True)["body"] == "hello"


class TestChunks:
    @pytest.mark.parametrize(
        "body",
        [
            b"5\r\nhello\r\n0\r\n\r\n",
            b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            b'0005 ;a=b;c="d"\r\nhello\r\n000\r\n\r\n',
            b"5\nhello\n0\n\n",
            b"5\r\nhello\r\n0\r\nX-Trailer: 1\r\nodd\r\n\r\n",
        ],
    )
    @pytest.mark.parametrize(
        "headers",
        [CHUNKED, b"Transfer-Encoding: Chunked\r\n", b"Transfer-Encoding: , identity, CHUNKED\r\n",
         CHUNKED + b"Content-Length: 3\r\n"],
    )  # fmt: skip
    def test_hello(self, target: Target, make_context: MakeContext, headers: bytes, body: bytes) -> None:
        assert result_of(target, make_context, answer(headers, body))["body"] == "hello"

    @pytest.mark.parametrize(
        "body",
        [
            b"hello",
            b"-5\r\nhello",
            b"0x5\r\nhello",
            b" 5\r\nhello",
            b"\r\n",
            b"5,\r\n",
            b"5\rx",
            b"fffffffffffffffff\r\n",
            b"5\r\nhello, and more",
            b"5\r\nhello\rx",
            b"5;" + b"x" * 300_000,
            b"0\r\n" + b"X: y\r\n" * 10_000,
        ],
    )
    def test_what_is_no_chunk(self, target: Target, make_context: MakeContext, body: bytes) -> None:
        error = error_of(target, make_context, answer(CHUNKED, body))
        assert (error.code, "chunk" in error.message or "header" in error.message) == ("bad_response", True)

    @pytest.mark.parametrize(
        "codings",
        [b"chunked, gzip", b"chunked, chunked", b"gzip", b"br", b"xchunked", b"chunked;q=1", b"\x0bchunked"],
    )
    def test_other_framings_are_refused(
        self, target: Target, make_context: MakeContext, codings: bytes
    ) -> None:
        headers = b"Transfer-Encoding: " + codings + b"\r\nContent-Length: 5\r\n"
        error = error_of(target, make_context, answer(headers, b"5\r\nhello\r\n0\r\n\r\n"))
        assert (error.code, "Transfer-Encoding" in error.message) == ("bad_response", True)
