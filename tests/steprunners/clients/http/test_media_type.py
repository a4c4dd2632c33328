"""Content types as they come: upper case, quotes, several parameters, several headers in one."""

from __future__ import annotations

import pytest

from steprunners.clients.http.media_type import media_type_of


@pytest.mark.parametrize(
    ("header", "name", "charset"),
    [
        (None, "", None),
        ("", "", None),
        ("json", "", None),
        ("*/*", "", None),
        ("text/plain", "text/plain", None),
        ("Text/HTML;Charset=UTF-8", "text/html", "UTF-8"),
        ('text/html; charset="utf-8"', "text/html", "utf-8"),
        ("text/html; charset='utf-8'", "text/html", "utf-8"),
        ('text/html; charset="u\\tf-8"', "text/html", "utf-8"),
        ("text/html; charset = utf-8 ; x=y", "text/html", "utf-8"),
        ("text/html; charset=; charset=gbk", "text/html", None),
        ("text/html; x=charset=gbk", "text/html", None),
        ('text/html; x="; charset=gbk"', "text/html", None),
        ("text/html; x; charset=gbk", "text/html", "gbk"),
        ("text/html; charset=gbk, text/plain", "text/plain", None),
        ("text/html; charset=gbk, text/html", "text/html", "gbk"),
        ("text/html, nonsense", "text/html", None),
        ('application/json; profile="a,b", */*', "application/json", None),
    ],
)
def test_what_it_says(header: str | None, name: str, charset: str | None) -> None:
    found = media_type_of(header)
    assert (found.name, found.charset) == (name, charset)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("application/json", "json text"),
        ("application/problem+json", "json text"),
        ("application/soap+xml", "xml text"),
        ("text/xml", "xml text"),
        ("image/svg+xml", "xml text"),
        ("image/png", "binary"),
        ("application/octet-stream", ""),
        ("application/x-www-form-urlencoded", "text"),
        ("text/css", "text"),
    ],
)
def test_what_it_promises(name: str, kinds: str) -> None:
    found = media_type_of(name)
    told = {"json": found.is_json, "xml": found.is_xml, "text": found.is_text, "binary": found.is_binary}
    assert " ".join(kind for kind, holds in told.items() if holds) == kinds


@pytest.mark.parametrize(
    "header", ['text/html;x="' * 10_000, 'text/html;"' + "\\" * 100_000, ";" * 100_000, ",a/b" * 50_000]
)
def test_a_very_long_header_ends_soon(header: str) -> None:
    """Quadratic time would be minutes."""
    assert media_type_of(header).charset is None
