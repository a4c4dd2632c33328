"""Host names as browsers look them up; most expected values are of the WHATWG's and Unicode's own tests."""

# ruff: noqa: RUF001 - look-alikes are what this is about

from __future__ import annotations

import pytest

from steprunners.values.hosts import ascii_host


@pytest.mark.parametrize(
    ("written", "looked_up"),
    [
        ("Shop.Example", "shop.example"),
        ("shop.example.", "shop.example."),
        ("☃.example", "xn--n3h.example"),
        ("I♥NY.example", "xn--iny-zx5a.example"),
        ("💩.la", "xn--ls8h.la"),
        ("ＡＢＣ.example", "abc.example"),
        ("ｌｏｃａｌｈｏｓｔ", "localhost"),
        ("a。b．c｡d", "a.b.c.d"),
        ("①②⑦.⓪.⓪.①", "127.0.0.1"),
        ("faß.de", "xn--fa-hia.de"),
        ("Bücher.Example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("ex\u00adample.com", "example.com"),
        ("βόλος.com", "xn--nxasmm1c.com"),
        ("XN--N3H.example", "xn--n3h.example"),
        ("_dmarc.ü.example", "_dmarc.xn--tda.example"),
        ("::1", "::1"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_hosts(written: str, looked_up: str) -> None:
    assert ascii_host(written) == looked_up
    assert ascii_host(looked_up) == looked_up


@pytest.mark.parametrize("written", ["a\ud800.example", "a\ufffd", "\u200e.example", "ü" * 254])
def test_not_a_host(written: str) -> None:
    with pytest.raises(ValueError, match="a host name"):
        ascii_host(written)
