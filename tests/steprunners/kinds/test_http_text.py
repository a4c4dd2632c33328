"""Text of answers, over a raw socket: charsets, byte order marks, declared encodings, headers (WHATWG, RFC 8259)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import run
from tests.steprunners.target import Exchange, Target

RUSSIAN = '<?xml version="1.0" encoding="windows-1251"?><a>Привет</a>'
UTF_16 = "<?xml version='1.0' encoding='UTF-16'?><a>Zoë</a>"
UNKNOWN = "<?xml version='1.0' encoding='nonsense'?><a>Zoë</a>"
HTML = '<!doctype html><meta charset="windows-1251"><p>Привет'
OLD_HTML = '<!-- <meta charset=gbk> --><META http-equiv="Content-Type" content="text/html; charset=koi8-r">я'
LYING_HTML = '<meta charset="utf-16"><p>Привет'
CSS = '@charset "windows-1251"; a{content:"я"}'
SOAP = '<?xml version="1.0"?><a>Zoë</a>'


def raw(body: bytes, *lines: bytes, reason: bytes = b"OK") -> Any:
    head = b"\r\n".join([b"HTTP/1.1 200 " + reason, b"Content-Length: %d" % len(body), *lines])
    return lambda exchange: Exchange.send(exchange, head + b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain; charset=utf-8", b"\xef\xbb\xbfid", "id"),
        ("text/plain", b"\xef\xbb\xbfid", "id"),
        ("text/plain; charset=windows-1251", b"\xef\xbb\xbf\xc3\xa4", "ä"),
        ("", b"\xef\xbb\xbfid", "id"),
        ("text/plain", "Zoë".encode("utf-16"), "Zoë"),
        ("", "Zoë".encode("utf-16"), "Zoë"),
        ("application/octet-stream", b"\xfe\xff" + "Zoë".encode("utf-16-be"), "Zoë"),
        ("text/csv; charset=iso-8859-1", "Zoë".encode("utf-16"), "Zoë"),
        ("text/plain", "Zoë".encode("utf-32"), "Zoë"),
        ("text/plain", b"\0\0\xfe\xff" + "Zoë".encode("utf-32-be"), "Zoë"),
        ("text/plain; charset=utf-16", "Zoë".encode("utf-16-le"), "Zoë"),
        ("text/plain; charset=utf-16be", "Zoë".encode("utf-16-be"), "Zoë"),
        ("text/plain; charset=gb2312", bytes.fromhex("D6ECE946BBF9"), "朱镕基"),
        ("text/plain; charset=iso-8859-1", b"\x80", "€"),
        ("text/plain", b"\x80", "€"),
        ("text/plain; charset=Shift_JIS", "髙①".encode("cp932"), "髙①"),
        ('text/html; charset="windows-1251"', "Привет".encode("cp1251"), "Привет"),
        ("text/html;charset='windows-1251'", "Привет".encode("cp1251"), "Привет"),
        ("TEXT/HTML; Charset=Windows-1251; x=y", "Привет".encode("cp1251"), "Привет"),
        ('text/plain; title="a;charset=gbk,b"; charset=koi8-r', "Привет".encode("koi8-r"), "Привет"),
        ("text/plain; charset=koi8-r; charset=gbk", "Привет".encode("koi8-r"), "Привет"),
        ("text/plain, text/html; charset=koi8-r", "Привет".encode("koi8-r"), "Привет"),
        ("text/html; charset=koi8-r, text/html", "Привет".encode("koi8-r"), "Привет"),
        ("text/plain; charset=", b"\xc3\xa4", "ä"),
        ("text/plain; charset=nonsense", b"\xe4", "ä"),
        ("text/plain; charset=utf-8", b"a\xe4b", "a\ufffdb"),
        ("text/html", HTML.encode("cp1251"), HTML),
        ("text/html", OLD_HTML.encode("koi8-r"), OLD_HTML),
        ("text/html; charset=utf-8", HTML.encode(), HTML),
        ("text/html", LYING_HTML.encode(), LYING_HTML),
        ("text/css", CSS.encode("cp1251"), CSS),
        ("application/xml", RUSSIAN.encode("cp1251"), RUSSIAN),
        ("text/xml", RUSSIAN.encode("cp1251"), RUSSIAN),
        ("application/soap+xml", RUSSIAN.encode("cp1251"), RUSSIAN),
        ('application/soap+xml; action="a,b;c"', RUSSIAN.encode("cp1251"), RUSSIAN),
        ("image/svg+xml", RUSSIAN.encode("cp1251"), RUSSIAN),
        ("", RUSSIAN.encode("cp1251"), RUSSIAN),
        ("application/xml; charset=utf-8", RUSSIAN.encode(), RUSSIAN),
        ("application/xml; charset=nonsense", RUSSIAN.encode("cp1251"), RUSSIAN),
        ("application/xml", SOAP.encode("utf-16"), SOAP),
        ("application/xml", SOAP.encode("utf-16-le"), SOAP),
        ("application/xml", SOAP.encode("utf-16-be"), SOAP),
        ("application/xml", UTF_16.encode("utf-16"), UTF_16),
        ("application/xml", UTF_16.encode(), UTF_16),
        ("application/xml", UNKNOWN.encode(), UNKNOWN),
        ("application/xml", b"\xef\xbb\xbf" + SOAP.encode(), SOAP),
    ],
)
def test_text(target: Target, make_context: MakeContext, content_type: str, body: bytes, text: str) -> None:
    lines = [b"Content-Type: " + content_type.encode()] if content_type else []
    result = run(make_context(), url=target.route("/", raw(body, *lines)))
    assert (result["body"], result["bodyEncoding"]) == (text, "text")
    assert "bodyText" not in result


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("application/json", b'\xef\xbb\xbf{"a": "\xc3\xa4"}', '{"a": "ä"}'),
        ("", b'\xef\xbb\xbf{"a": "\xc3\xa4"}', '{"a": "ä"}'),
        ("", b' \r\n{"a":"\xc3\xa4"}\n', ' \r\n{"a":"ä"}\n'),
        ("application/json", '{"a": "ä"}'.encode("utf-16"), '{"a": "ä"}'),
        ("", '{"a": "ä"}'.encode("utf-16"), '{"a": "ä"}'),
        ("application/json", '{"a": "ä"}'.encode("utf-16-be"), '{"a": "ä"}'),
        ("application/json", '{"a": "ä"}'.encode("utf-32"), '{"a": "ä"}'),
        ("application/json; charset=iso-8859-1", b'{"a": "\xe4"}', '{"a": "ä"}'),
        ("application/json; charset=iso-8859-1", b'{"a": "\xc3\xa4"}', '{"a": "ä"}'),
        ('application/vnd.api+json; charset="GBK"', '{"a": "ä朱"}'.encode("gb18030"), '{"a": "ä朱"}'),
        ('Application/JSON; profile="a,b"', b'{"a": "\xc3\xa4"}', '{"a": "ä"}'),
        ("text/plain, application/json", b'{"a": "\xc3\xa4"}', '{"a": "ä"}'),
    ],
)
def test_json_and_its_text(
    target: Target, make_context: MakeContext, content_type: str, body: bytes, text: str
) -> None:
    lines = [b"Content-Type: " + content_type.encode()] if content_type else []
    result = run(make_context(), url=target.route("/", raw(body, *lines)))
    assert result["bodyEncoding"] == "json"
    assert result["body"]["a"].startswith("ä")
    assert result["bodyText"] == text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("image/png", "Zoë".encode("utf-16")),
        ("text/plain", b"a\0b"),
        ("", b"a\0b"),
        ("application/octet-stream", b"\xff\xfe\x00\xd8"),
        ("application/octet-stream; charset=gbk", b"\xff\xff"),
        ("application/octet-stream; charset=utf-8", b"\xff"),
    ],
)
def test_what_is_not_text(target: Target, make_context: MakeContext, content_type: str, body: bytes) -> None:
    lines = [b"Content-Type: " + content_type.encode()] if content_type else []
    result = run(make_context(), url=target.route("/", raw(body, *lines)))
    assert (result["body"], result["bodyEncoding"]) == (base64.b64encode(body).decode(), "base64")


@pytest.mark.parametrize("parameter", [b"", b"; charset=utf-8"])
def test_json_that_is_not_in_its_charset_stays_text(
    target: Target, make_context: MakeContext, parameter: bytes
) -> None:
    line = b"Content-Type: application/json" + parameter
    result = run(make_context(), url=target.route("/", raw(b'{"a": "\xe4"}', line)))
    assert result["bodyEncoding"] == "text"


def test_headers_and_reason_are_utf8_or_else_latin_1(target: Target, make_context: MakeContext) -> None:
    url = target.route(
        "/",
        raw(
            b"",
            "X-City: Zürich".encode(),
            "X-City: Genève".encode("latin-1"),
            b"Content-Disposition: attachment; filename*=UTF-8''Z%C3%BCrich.txt",
            "X-Place: Århus, 東京".encode(),
            reason="Straße gesperrt".encode(),
        ),
    )
    result = run(make_context(), url=url)
    assert result["reason"] == "Straße gesperrt"
    assert result["headers"]["x-city"] == "Zürich, Genève"
    assert result["headers"]["content-disposition"] == "attachment; filename*=UTF-8''Z%C3%BCrich.txt"
    assert result["headers"]["x-place"] == "Århus, 東京"


def test_a_reason_in_latin_1(target: Target, make_context: MakeContext) -> None:
    result = run(make_context(), url=target.route("/", raw(b"", reason="Straße".encode("latin-1"))))
    assert result["reason"] == "Straße"


def test_a_redirect_to_letters(target: Target, make_context: MakeContext) -> None:
    target.route("/z%C3%BCrich", raw(b"there"))
    target.route(
        "/",
        lambda exchange: exchange.send(
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /" + "zürich".encode() + b"\r\n\r\n"
        ),
    )
    result = run(make_context(), url=target.url + "/")
    assert (result["body"], result["url"]) == ("there", target.url + "/z%C3%BCrich")
