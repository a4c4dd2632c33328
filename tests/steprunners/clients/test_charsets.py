"""Charsets: labels and decoders as browsers have them."""

from __future__ import annotations

from typing import Any

import pytest

from steprunners.clients.charsets import decoder_of
from tests.servers.chromium import chromium
from tests.servers.server import Unavailable


def decoded(label: str, hexadecimal: str) -> str:
    decode = decoder_of(label)
    assert decode is not None
    return decode(bytes.fromhex(hexadecimal))


@pytest.mark.parametrize(
    ("label", "hexadecimal", "text"),
    [
        ("gb2312", "D6ECE946BBF9", "朱镕基"),
        ("GBK", "80", "€"),
        ("gb18030", "A3A0A8BC", "\u3000ḿ"),
        ("iso-8859-1", "80", "€"),
        ("latin1", "93E494", "“ä”"),
        ("us-ascii", "E4", "ä"),
        ("windows-1252", "818D8F909D", "\x81\x8d\x8f\x90\x9d"),
        ("iso-8859-9", "80DDFD", "€İı"),
        ("iso-8859-11", "A1", "ก"),
        ("tis-620", "80", "€"),
        ("windows-1251", "CFF0E8E2E5F298", "Привет\x98"),
        ("cp1251", "CF", "П"),
        ("koi8-u", "AEBE", "ўЎ"),
        ("shift_jis", "8740FBFC", "①髙"),
        ("Windows-31J", "8160", "\uff5e"),
        ("euc-jp", "ADA1A1C1C6FC", "①\uff5e日"),
        ("euc-kr", "8141B0A1", "갂가"),
        ("ks_c_5601-1987", "B0A1", "가"),
        ("big5", "A440", "一"),
        ("iso-2022-jp", "1B2442467C1B2842", "日"),
        ("utf-16", "41004200", "AB"),
        ("utf-16be", "00410042", "AB"),
        (" UTF8\t", "C3A4", "ä"),
        ("unicode-1-1-utf-8", "C3A4", "ä"),
        ("utf-8", "61FF62", "a\ufffdb"),
        ("cp850", "84", "ä"),
        ("utf-32le", "41000000", "A"),
        ("x-user-defined", "80", "\uf780"),
    ],
)
def test_labels_and_decoders(label: str, hexadecimal: str, text: str) -> None:
    assert decoded(label, hexadecimal) == text


@pytest.mark.parametrize(
    "label",
    [
        "",
        "nonsense",
        "base64",
        "rot13",
        "zlib",
        "hex",
        "idna",
        "punycode",
        "utf-7",
        "undefined",
        "x" * 500,
        "\0",
        "é",
    ],
)
def test_what_is_no_charset(label: str) -> None:
    assert decoder_of(label) is None


@pytest.mark.parametrize(
    "label", ["gbk", "euc-jp", "shift_jis", "big5", "windows-1252", "iso-2022-jp", "utf-16", "utf-8"]
)
@pytest.mark.parametrize("raw", [b"\x80", b"\xff", b"\xa9\xa1", b"\x1b$B!", b"\xa3\xa0"])
def test_wrong_bytes_never_raise(label: str, raw: bytes) -> None:
    decode = decoder_of(label)
    assert decode is not None
    assert decode(raw * 300_000)


SINGLE_BYTE = [
    *(f"iso-8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    *(f"windows-{page}" for page in (874, *range(1250, 1259))),
    *("ibm866", "koi8-r", "koi8-u", "macintosh", "x-mac-cyrillic"),
]
TWO_BYTES = ["gbk", "gb18030", "euc-jp", "shift_jis", "euc-kr"]


@pytest.fixture(scope="module")
def in_browser() -> Any:
    """What Chromium reads: each byte of SINGLE_BYTE, each pair of TWO_BYTES from 81 40 on, in hex."""
    try:
        with chromium() as browser:
            return browser.new_page().evaluate(
                """([single, pairs]) => {
                  const read = (name, ...bytes) => new TextDecoder(name).decode(new Uint8Array(bytes));
                  const all = (first, end) => Array.from({length: end - first}, (_, at) => first + at);
                  return {
                    ...Object.fromEntries(single.map((name) => [name, all(0, 256).map((byte) => read(name, byte))])),
                    ...Object.fromEntries(pairs.map((name) => [name, all(0x81, 255).flatMap(
                      (lead) => all(0x40, 255).map((trail) => read(name, lead, trail)))])),
                  };
                }""",
                [SINGLE_BYTE, TWO_BYTES],
            )
    except Unavailable as problem:
        pytest.skip(str(problem))


@pytest.mark.parametrize("label", SINGLE_BYTE)
def test_every_byte_is_what_a_browser_reads(label: str, in_browser: Any) -> None:
    assert [decoded(label, f"{byte:02x}") for byte in range(256)] == in_browser[label]


@pytest.mark.parametrize("label", TWO_BYTES)
def test_every_pair_is_what_a_browser_reads(label: str, in_browser: Any) -> None:
    pairs = [f"{lead:02x}{trail:02x}" for lead in range(0x81, 255) for trail in range(0x40, 255)]
    read = zip(pairs, in_browser[label], strict=True)
    assert [
        (pair, text) for pair, text in read if "\ufffd" not in text and decoded(label, pair) != text
    ] == []
