"""A view gives an encoding one spelling, fast, and knows where what it found stands in the text."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.masking.text_views import BASE64, CHARACTERS, HEX, Places, View

#: What the views rewrite, and what looks like it.
ALPHABET = st.sampled_from(
    [
        "a",
        "B",
        "7",
        "-",
        "_",
        "+",
        "/",
        "=",
        " ",
        "\n",
        "\r\n",
        "\\n",
        "\\r",
        "%2B",
        "%2f",
        "%253D",
        "%0A",
        "&#43;",
        "&#x2F;",
        "&#",
        ";",
        "u002b",
        "\\u003d",
        "0x",
        "%",
        "25",
        ":",
        ",",
        "amp;",
        "#",
        "é",
        "u",
        "0",
        "\\x",
    ]
)
TEXTS = st.lists(ALPHABET, max_size=30).map("".join)


@pytest.mark.parametrize("view", [BASE64, HEX], ids=["base64", "hex"])
@given(text=TEXTS)
def test_the_quick_way_and_the_way_with_places_agree(view: View, text: str) -> None:
    """But for texts in which leaving something out puts something else together."""
    raw = text.encode()
    once = Places(raw, view).text
    if view.rewrite(once) == once:  # nothing was put together
        assert view.rewrite(raw) == once


@given(text=TEXTS, secret=st.binary(min_size=12, max_size=60), width=st.integers(1, 80))
def test_what_is_found_is_told_where_it_stands(text: str, secret: bytes, width: int) -> None:
    encoded = base64.b64encode(secret).decode().rstrip("=")
    lines = "\n".join(encoded[at : at + width] for at in range(0, len(encoded), width))
    raw = f"{text}|{lines}|{text}".encode()
    wanted = base64.b64encode(secret).rstrip(b"=")
    places = Places(raw, BASE64)
    at = places.text.index(wanted)
    start, end = places.of(at, at + len(wanted))
    assert raw[start:end].replace(b"\n", b"") == encoded.encode()


@pytest.mark.parametrize(
    "written",
    [
        "ab+/c=", "ab-_c=", "ab%2B%2Fc%3D", "ab%252b%252fc%253d", "ab+\n/c=", "ab+\\r\\n/c=", "a b + / c =",
        "ab\\u002B\\/c\\u003d", "ab&#43;&#47;c&#61;", "ab&#x2B;&#x2f;c&#x3D;",
    ],
)  # fmt: skip
def test_base64_has_one_spelling(written: str) -> None:
    assert BASE64.rewrite(written.encode()) == b"ab+/c="
    assert Places(written.encode(), BASE64).text == b"ab+/c="


@pytest.mark.parametrize(
    "written",
    [
        "6a3b",
        "6A3B",
        "6a:3b",
        "6a 3b",
        "0x6a, 0x3b",
        "%6a%3B",
        "%256a%253b",
        "\\x6a\\x3b",
        "\\u006a\\u003b",
        "6a\n3b",
        "&#x6a;&#x3B;",
        "&amp;#x6a;&amp;#x3b;",
        "=6A=3B",
        "6a-3b",
        "6a_3b",
        json.dumps("6a\n3b")[1:-1],
        quote("6a\n3b"),
    ],
)
def test_hex_has_one_spelling(written: str) -> None:
    assert HEX.rewrite(written.encode()).replace(b"0a", b"") == b"6a3b"


@pytest.mark.parametrize(
    "written",
    ["&#97;b", "&#00097;&#x0062;", "&amp;#97;&#X62;", "%61%62", "%2561b", "\\u0061b", "\\u{61}\\x62", "a%62"],
)
def test_characters_written_by_their_numbers_are_themselves(written: str) -> None:
    assert CHARACTERS.rewrite(written.encode()) == b"ab"
    assert Places(written.encode(), CHARACTERS).text == b"ab"


def test_a_text_without_such_characters_is_not_looked_at() -> None:
    assert CHARACTERS.rewrite(b"no entity") == b""
