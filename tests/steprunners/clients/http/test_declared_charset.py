"""Charsets that documents declare in their first bytes."""

from __future__ import annotations

import pytest

from steprunners.clients.http.declared_charset import declared_charset


@pytest.mark.parametrize(
    ("body", "label"),
    [
        (b"", None),
        (b"<a/>", None),
        (b'<?xml version="1.0" encoding="windows-1251"?>', "windows-1251"),
        (b"\n<?xml version='1.0' encoding = 'koi8-r' standalone='yes'?>", "koi8-r"),
        (b'<?xml version="1.0"?><a encoding="gbk"/>', None),
        (b'<?xml version="1.0" encoding="utf-16"?>', "utf-8"),
        ('<?xml version="1.0"?>'.encode("utf-16-le"), "utf-16le"),
        ('<?xml version="1.0"?>'.encode("utf-16-be"), "utf-16be"),
        (b'@charset "gbk"; a{}', "gbk"),
        (b'a{} @charset "gbk";', None),
        (b"<meta charset=gbk>", None),
        (b" " * 2_000 + b'<?xml version="1.0" encoding="gbk"?>', None),
    ],
)
def test_outside_html(body: bytes, label: str | None) -> None:
    assert declared_charset(body, is_html=False) == label


@pytest.mark.parametrize(
    ("body", "label"),
    [
        (b"<html><head><META CHARSET='gbk'/>", "gbk"),
        (b'<meta name=x content=y><meta http-equiv=content-type content="text/html; charset=gbk">', "gbk"),
        (b"<!-- <meta charset=gbk> -->", None),
        (b"<p>charset=gbk", None),
        (b"<meta charset=utf-16le>", "utf-8"),
        (b"<p>" * 400 + b"<meta charset=gbk>", None),
    ],
)
def test_in_html(body: bytes, label: str | None) -> None:
    assert declared_charset(body, is_html=True) == label
