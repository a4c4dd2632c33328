"""Content and transfer codings, whole, damaged and cut."""

from __future__ import annotations

import gzip
import sys
import zlib

import brotli
import pytest

from steprunners.errors import StepError
from steprunners.network import NetworkPolicy
from tests.steprunners.conftest import LOOPBACK, MakeContext
from tests.steprunners.http_calls import run
from tests.steprunners.network.http1.raw_answers import error_of, result_of
from tests.steprunners.target import Target

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b"hello, " * 1000
GZIP, ZSTD, BR = gzip.compress(TEXT), zstd.compress(TEXT), brotli.compress(TEXT)
DEFLATE, BARE_DEFLATE = zlib.compress(TEXT), zlib.compress(TEXT, wbits=-15)


def answer(coding: str, body: bytes, *, length: bool = True) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: {coding}\r\n"
    return (head + (f"Content-Length: {len(body)}\r\n" if length else "") + "\r\n").encode() + body


def chunked(coding: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: {coding}\r\n\r\n"
    return head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


WHOLE = {
    "gzip": ("gzip", GZIP),
    "upper case": ("GZIP", GZIP),
    "x-gzip": ("x-gzip", GZIP),
    "identity before": ("identity, gzip", GZIP),
    "identity behind": ("gzip, identity", GZIP),
    "empty element": (", gzip", GZIP),
    "twice": ("gzip, gzip", gzip.compress(GZIP)),
    "two codings": ("deflate, br", brotli.compress(DEFLATE)),
    "deflate": ("deflate", DEFLATE),
    "bare deflate": ("deflate", BARE_DEFLATE),
    "br": ("br", BR),
    "zstd": ("zstd", ZSTD),
    "identity": ("identity", TEXT),
    "no coding": ("", TEXT),
    "three members": ("gzip", gzip.compress(TEXT[:99]) + gzip.compress(b"") + gzip.compress(TEXT[99:])),
    "padding": ("gzip", GZIP + b"\0" * 512),
    "frames": (
        "zstd",
        zstd.compress(TEXT[:99]) + b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstd.compress(TEXT[99:]),
    ),
}
DAMAGED = {
    "wrong sum": ("gzip", GZIP[:-8] + b"\1\2\3\4" + GZIP[-4:]),
    "wrong length": ("gzip", GZIP[:-4] + b"\1\2\3\4"),
    "wrong sum of deflate": ("deflate", DEFLATE[:-4] + b"\1\2\3\4"),
    "garbage behind gzip": ("gzip", GZIP + b"garbage"),
    "garbage behind deflate": ("deflate", DEFLATE + b"garbage"),
    "garbage behind br": ("br", BR + b"garbage"),
    "garbage behind zstd": ("zstd", ZSTD + b"garbage"),
    "one byte of a second member": ("gzip", GZIP + b"\x1f"),
    "a second member without its last byte": ("gzip", GZIP + GZIP[:-1]),
    "no gzip": ("gzip", TEXT),
    "no deflate": ("deflate", TEXT),
    "no br": ("br", TEXT),
    "no zstd": ("zstd", TEXT),
    "once, not twice": ("gzip, gzip", GZIP),
}
CODED = {
    "gzip": ("gzip", GZIP),
    "deflate": ("deflate", DEFLATE),
    "bare deflate": ("deflate", BARE_DEFLATE),
    "br": ("br", BR),
    "zstd": ("zstd", ZSTD),
}


@pytest.mark.parametrize(("coding", "body"), WHOLE.values(), ids=WHOLE)
class TestWhole:
    def test_with_a_length(self, target: Target, make_context: MakeContext, coding: str, body: bytes) -> None:
        result = result_of(target, make_context, answer(coding, body))
        assert (result["body"], result["sizeBytes"]) == (TEXT.decode(), len(TEXT))

    def test_until_closed(self, target: Target, make_context: MakeContext, coding: str, body: bytes) -> None:
        result = result_of(target, make_context, answer(coding, body, length=False), closes=True)
        assert result["body"] == TEXT.decode()

    def test_as_a_transfer_coding(
        self, target: Target, make_context: MakeContext, coding: str, body: bytes
    ) -> None:
        assert result_of(target, make_context, chunked(coding + ", Chunked", body))["body"] == TEXT.decode()


def test_both_kinds_of_codings(target: Target, make_context: MakeContext) -> None:
    raw = chunked("gzip, chunked\r\nContent-Encoding: br", gzip.compress(BR))
    assert result_of(target, make_context, raw)["body"] == TEXT.decode()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "compress", "gzip, br"])
def test_an_empty_body(target: Target, make_context: MakeContext, coding: str) -> None:
    assert result_of(target, make_context, answer(coding, b""))["sizeBytes"] == 0


class TestDamaged:
    @pytest.mark.parametrize("length", [True, False])
    @pytest.mark.parametrize(("coding", "body"), CODED.values(), ids=CODED)
    def test_cut(
        self, target: Target, make_context: MakeContext, coding: str, body: bytes, length: bool
    ) -> None:
        for end in range(0 if not length else 1, len(body)):
            raw = answer(coding, body[:end], length=length)
            error = error_of(target, make_context, raw, closes=not length)
            assert (error.code, coding in error.message) == ("bad_response", True), end

    @pytest.mark.parametrize(("coding", "body"), DAMAGED.values(), ids=DAMAGED)
    def test_damaged(self, target: Target, make_context: MakeContext, coding: str, body: bytes) -> None:
        assert error_of(target, make_context, answer(coding, body)).code == "bad_response"

    @pytest.mark.parametrize(
        "coding", ["compress", "x-compress", "exi", "gzip, foo", "foo, gzip", "gzip;q=1"]
    )
    def test_unknown(self, target: Target, make_context: MakeContext, coding: str) -> None:
        error = error_of(target, make_context, answer(coding, GZIP))
        named = next(each for each in coding.split(", ") if each != "gzip")
        assert (error.code, f"'{named}'" in error.message) == ("bad_response", True)

    def test_too_many(self, target: Target, make_context: MakeContext) -> None:
        error = error_of(target, make_context, answer(", ".join(["gzip"] * 6), GZIP))
        assert (error.code, "5" in error.message) == ("bad_response", True)


class TestLimits:
    @pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
    def test_a_body_of_the_limit_is_read_and_one_more_byte_is_not(
        self, target: Target, make_context: MakeContext, coding: str
    ) -> None:
        body = {"gzip": GZIP, "deflate": DEFLATE, "br": BR, "zstd": ZSTD}.get(coding) or gzip.compress(GZIP)
        for limit in (len(TEXT), len(TEXT) - 1):
            context = make_context(network=NetworkPolicy(allowed=LOOPBACK.allowed, max_body_bytes=limit))
            target.route("/", lambda exchange: exchange.send(answer(coding, body)))
            if limit == len(TEXT):
                assert run(context, url=target.url + "/")["sizeBytes"] == limit
                continue
            with pytest.raises(StepError) as caught:
                run(context, url=target.url + "/")
            assert caught.value.code == "response_too_large"

    def test_bombs(self, target: Target, make_context: MakeContext) -> None:
        zeros = b"\0" * 100_000_000
        bombs = {
            "gzip": gzip.compress(zeros, 1),
            "br": brotli.compress(zeros, quality=1),
            "zstd": zstd.compress(zeros),
            "gzip, gzip": gzip.compress(gzip.compress(zeros, 1)),
        }
        for coding, body in bombs.items():
            error = error_of(target, make_context, answer(coding, body))
            assert error.code == "response_too_large", coding

    def test_a_stage_in_between_has_the_limit_too(self, target: Target, make_context: MakeContext) -> None:
        empty_members = gzip.compress(gzip.compress(b"") * 1_000_000)
        assert (
            error_of(target, make_context, answer("gzip, gzip", empty_members)).code == "response_too_large"
        )

    def test_the_window_of_zstd_has_a_limit(self, target: Target, make_context: MakeContext) -> None:
        compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
        body = compressor.compress(TEXT) + compressor.flush()
        assert error_of(target, make_context, answer("zstd", body)).code == "bad_response"
