"""What a Set-Cookie header says."""

from __future__ import annotations

from typing import Any

import pytest

from steprunners.network.cookies.set_cookie import SetCookie, parse_set_cookie


@pytest.mark.parametrize(
    ("header", "name", "value"),
    [
        ("sid=1", "sid", "1"),
        (" sid = 1 ; Path=/", "sid", "1"),
        ("\tsid\t=\t1\t", "sid", "1"),
        ("sid=", "sid", ""),
        ("sid=a=b==", "sid", "a=b=="),
        ('sid="a b"', "sid", '"a b"'),
        ('sid="a;b"', "sid", '"a'),
        ("sid=a,b=c", "sid", "a,b=c"),
        ("s i d=a b", "s i d", "a b"),
        ("sid=\xc3\x85\xa0", "sid", "\xc3\x85\xa0"),  # only spaces and tabs are white space
        ("Path=/x", "Path", "/x"),
        ("sid=1;;; ;=;=x", "sid", "1"),
    ],
)
def test_name_and_value(header: str, name: str, value: str) -> None:
    said = parse_set_cookie(header)
    assert said is not None
    assert (said.name, said.value) == (name, value)


@pytest.mark.parametrize(
    "header", ["", "sid", "=1", " = 1", ";sid=1", "sid;a=1", "sid=1\r", "sid=\x00", "sid=1; a=\x7f"]
)
def test_no_cookie(header: str) -> None:
    assert parse_set_cookie(header) is None


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ("Max-Age=60", {"max_age": 60}),
        ("max-age = 060", {"max_age": 60}),
        ("Max-Age=0", {"max_age": 0}),
        ("Max-Age=-5", {"max_age": -5}),
        ("Max-Age=3600.5", {}),
        ("Max-Age=", {}),
        ("Max-Age", {}),
        ("Max-Age=abc", {}),
        ("Max-Age=-", {}),
        ("Max-Age=+5", {}),
        ("Max-Age=1e3", {}),
        ('Max-Age="60"', {}),
        ("Max-Age=\u0661", {}),
        ("Max-Age=" + "9" * 5000, {"max_age": 999_999_999_999}),
        ("Max-Age=0; Max-Age=600", {"max_age": 600}),
        ("Max-Age=600; Max-Age=0", {"max_age": 0}),
        ("Max-Age=600; Max-Age=abc", {"max_age": 600}),
        ("Expires=Thu, 01-Jan-70 00:00:01 GMT", {"expires": 1}),
        ("Expires=never", {}),
        ("Expires", {}),
        ("Domain=", {}),
        ("Domain", {}),
        ("Domain=Shop.Example", {"domain": "shop.example"}),
        ("Domain=.shop.example", {"domain": "shop.example"}),
        ("Domain=a.example; Domain=b.example", {"domain": "b.example"}),
        ("Domain=a.example; Domain=", {"domain": "a.example"}),
        ("Domain=a.example; Domain=.", {}),
        ("Path=/a/b", {"path": "/a/b"}),
        ("Path=", {}),
        ("Path=a", {}),
        ("Path=/a; Path=", {}),
        ('Path="/a"', {}),
        ("SECURE", {"secure": True}),
        ("secure=no", {"secure": True}),
        ("HttpOnly; SameSite=Strict; Priority=High; Partitioned", {}),
        ("Version=x; Port=x; Comment=é; Discard", {}),
    ],
)
def test_attributes(attributes: str, said: dict[str, Any]) -> None:
    assert parse_set_cookie(f"sid=1; {attributes}") == SetCookie("sid", "1", **said)
    assert parse_set_cookie(f"sid=1;{attributes}; x=y;") == SetCookie("sid", "1", **said)
