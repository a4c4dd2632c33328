"""References inside URLs: a value never leaves its place."""

# ruff: noqa: RUF001 - look-alikes are part of what this is about

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.references.resolution import Grammar, Scope, UnsafeValue, resolve
from steprunners.references.url_quoting import encode
from tests.steprunners.json_strategies import json_values, tricky_text


def url(template: str, **variables: object) -> str:
    return str(resolve(template, Scope(variables=variables), lambda _path, _value: Grammar.URL))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("template", "variables", "expected"),
    [
        ("${base}/orders", {"base": "http://h:80/api"}, "http://h:80/api/orders"),
        ("${base}/orders/${id}", {"base": "https://h", "id": "a/b"}, "https://h/orders/a%2Fb"),
        ("${base}", {"base": "http://h/a?b=c"}, "http://h/a?b=c"),
        ("${base}&d=${d}", {"base": "http://h/a?b=c", "d": "e&f"}, "http://h/a?b=c&d=e%26f"),
        ("http://${host}:${port}/x", {"host": "db-1.example", "port": 8080}, "http://db-1.example:8080/x"),
        ("http://${host}/x", {"host": "127.0.0.1:8000"}, "http://127.0.0.1:8000/x"),
        ("http://${host}/x", {"host": "[::1]:8000"}, "http://[::1]:8000/x"),
        ("http://${host}:${port}/x", {"host": "[::1]", "port": "80"}, "http://[::1]:80/x"),
        ("http://api-${n}.example.com/", {"n": 2}, "http://api-2.example.com/"),
        ("http://${host}/", {"host": "bücher.example"}, "http://bücher.example/"),
        ("http://${host}/", {"host": "☃.example"}, "http://☃.example/"),
        ("http://a-${host}:1/", {"host": "ＡＢＣ。example"}, "http://a-ＡＢＣ。example:1/"),
        ("/s?d=50%${q}&e=%4${q}&f=%41${q}", {"q": 41}, "/s?d=50%2541&e=%25441&f=%4141"),
        ("${base}41", {"base": "http://h/50%"}, "http://h/50%2541"),
        ("${scheme}://${host}/x", {"scheme": "https", "host": "h"}, "https://h/x"),
        ("http://${u}:${p}@h/", {"u": "a@b", "p": "c:/d"}, "http://a%40b:c%3A%2Fd@h/"),
        ("/orders/${id}", {"id": "ü 1"}, "/orders/%C3%BC%201"),
        ("orders/${id}", {"id": 42}, "orders/42"),
        ("${path}", {"path": "/orders?x=1"}, "/orders?x=1"),
        ("/s?q=${q}&p=1", {"q": "a&b=c#d e+f"}, "/s?q=a%26b%3Dc%23d%20e%2Bf&p=1"),
        ("/s?q=${q}", {"q": {"a": [1]}}, "/s?q=%7B%22a%22%3A%5B1%5D%7D"),
        ("/s#${q}", {"q": "a#b"}, "/s#a%23b"),
        ("/v${n}/x", {"n": 1}, "/v1/x"),
        ("/a/${id}", {"id": "..."}, "/a/..."),
        ("/a/${id}", {"id": "%2e"}, "/a/%252e"),
        ("/s?q=${q}", {"q": ".."}, "/s?q=.."),
        ("/orders/${id}/items", {"id": ""}, "/orders//items"),
    ],
)
def test_positions(template: Any, variables: Any, expected: Any) -> None:
    assert url(template, **variables) == expected


@pytest.mark.parametrize(
    "value", ["a/b", "a?b", "a#b", "u@h", "a\\b", "a b", "a\tb", "", "a\u2100b", "h\uff0fx", "a%2fb", [1]]
)
def test_a_host_refuses_what_would_move_the_request(value: Any) -> None:
    with pytest.raises(UnsafeValue):
        url("http://${host}/x", host=value)


@pytest.mark.parametrize("value", [0, 65_536, -1, "8a", "", "80/x", "80@evil", "٣", 1.5, True, None])
def test_a_port_is_a_number_from_1_to_65535(value: Any) -> None:
    with pytest.raises(UnsafeValue):
        url("http://h:${port}/x", port=value)


@pytest.mark.parametrize(
    "base", ["http://h:99999", "http://", "http://:80", "http://h\r\n", "http://h\\@evil", "http://a]b"]
)
def test_a_raw_start_is_checked_too(base: Any) -> None:
    with pytest.raises(UnsafeValue):
        url("${base}/x", base=base)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("/a/${x}/b", ".."),
        ("/a/${x}", "."),
        ("/a/.${x}", "."),
        ("${x}${x}", "."),
        ("/${x}/y", ""),
        ("/a?q=${x}", "\ud800"),
        ("http://h:80${x}/", "@evil"),
    ],
)
def test_what_would_change_the_structure_is_refused(template: Any, value: Any) -> None:
    with pytest.raises(UnsafeValue):
        url(template, x=value)


def test_only_the_first_reference_is_raw_even_when_it_is_empty() -> None:
    assert url("${a}${b}", a="", b="http://evil/") == "http%3A%2F%2Fevil%2F"


@given(tricky_text)
def test_encoding_reads_back(text: Any) -> None:
    try:
        assert unquote(encode(text), errors="strict") == text
    except UnsafeValue:
        assert any("\ud800" <= character <= "\udfff" for character in text)


@given(json_values, st.sampled_from(["http://h/a/${x}/b", "/a/${x}/b?c=d", "${base}/a/${x}", "a/${x}#f"]))
def test_a_value_never_changes_segments_query_or_fragment(value: Any, template: Any) -> None:
    try:
        made = url(template, x=value, base="http://h/v1")
    except UnsafeValue:
        return
    sample = url(template, x="1", base="http://h/v1")
    found, wanted = urlsplit(made), urlsplit(sample)
    assert (found.scheme, found.netloc, found.query, found.fragment) == (
        wanted.scheme,
        wanted.netloc,
        wanted.query,
        wanted.fragment,
    )
    assert found.path.count("/") == wanted.path.count("/")


@given(json_values)
def test_a_value_stays_one_query_parameter(value: Any) -> None:
    try:
        query = urlsplit(url("/s?a=${x}&b=2", x=value)).query
    except UnsafeValue:
        return
    pairs = parse_qsl(query, keep_blank_values=True)
    assert [name for name, _ in pairs] == ["a", "b"]
    if isinstance(value, str):
        assert pairs[0][1] == value


@given(tricky_text, tricky_text)
def test_a_host_value_never_moves_the_path(host: Any, port: Any) -> None:
    try:
        made = url("http://${host}:${port}/path?q=1", host=host, port=port)
    except UnsafeValue:
        return
    parts = urlsplit(made)
    assert (parts.path, parts.query, parts.username) == ("/path", "q=1", None)
