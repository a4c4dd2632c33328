"""Secrets are found however they were encoded, and nothing else is touched."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from itertools import product
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.masking.masker import Masker, texts_of
from steprunners.masking.spellings import LONGEST
from steprunners.values.json_text import loads
from tests.steprunners.json_strategies import json_values

TRICKY = 'P@ss/w"ord\\ é😀\nx'
secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40)


@pytest.mark.parametrize(
    "encode",
    [
        str,
        str.lower,
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: json.dumps(json.dumps({"inner": text})),
        lambda text: json.dumps(text).replace("/", "\\/"),
        lambda text: json.dumps(text).replace("\\ud83d", "\\uD83D"),
        quote,
        lambda text: quote(text, safe=""),
        quote_plus,
        lambda text: quote(text, safe="").replace("%2F", "%2f"),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
        lambda text: quote(base64.b64encode(text.encode()), safe=""),
    ],
)
def test_every_spelling(encode: object) -> None:
    assert callable(encode)
    text = f"before {encode(TRICKY)} after"
    masked = Masker([TRICKY]).mask_text(text)
    assert MASK in masked
    for part in ("p@ss", "p%40ss", "w\\", "ord"):
        assert part not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
@pytest.mark.parametrize("after", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_at_every_alignment(before: str, after: str, encode: object) -> None:
    assert callable(encode)
    secret = "hunter2>>>???hunter"
    masked = Masker([secret]).mask_text(encode((before + secret + after).encode()).decode())
    assert MASK in masked
    rest = masked.replace(MASK, "").rstrip("=")
    # The first and last characters also hold bits of what stands beside the secret.
    assert len(rest) <= len(base64.b64encode(before.encode())) + len(base64.b64encode(after.encode())) + 2


ENCODERS: dict[str, Callable[[str], str]] = {
    "json": json.dumps,
    "json as UTF-8": lambda text: json.dumps(text, ensure_ascii=False),
    "url": lambda text: quote(text, safe=""),
    "path": quote,
    "query": quote_plus,
    "html": html.escape,
}


@pytest.mark.parametrize(
    ("first", "second"),
    [pair for pair in product(ENCODERS, ENCODERS) if pair[0] != "html" or pair[1] == "json"],
)
def test_one_encoding_inside_another(first: str, second: str) -> None:
    secret = """run "é/+&<\\middle'%=ü?"""
    written = ENCODERS[second](ENCODERS[first](secret))
    assert MASK in Masker([secret]).mask_text(f"before {written} after")
    assert "middle" not in Masker([secret]).mask_text(f"before {written} after")


@pytest.mark.parametrize("encoder", sorted(set(ENCODERS) - {"html"}))
@pytest.mark.parametrize("around", ["", "a", "bb", "ccc"])
def test_an_encoding_inside_base64(encoder: str, around: str) -> None:
    secret = """run "é/+&<\\middle'%=ü?"""
    whole = base64.b64encode((around + ENCODERS[encoder](secret) + around).encode()).decode()
    masked = Masker([secret]).mask_text(whole)
    assert MASK in masked
    assert len(masked) < len(MASK) + 4 * len(around) // 3 * 2 + 16


def test_structures() -> None:
    value: Json = {"a": ["x secret-1 y", {"secret-1": 1}], "n": 123456, "f": 1.5, "b": True, "z": None}
    masked = Masker(["secret-1", "123456"]).mask(value)
    assert masked == {"a": [f"x {MASK} y", {MASK: 1}], "n": MASK, "f": 1.5, "b": True, "z": None}


def test_keys_that_look_alike_when_masked_are_all_kept() -> None:
    masked = Masker(["secret-1", "secret-2"]).mask({"secret-1": 1, "secret-2": 2})
    assert masked == {MASK: 1, f"{MASK} (2)": 2}


def test_a_hit_in_a_long_list() -> None:
    value: list[Json] = [{"id": number} for number in range(1000)]
    masked = Masker(["secret-1"]).mask([*value, "secret-1"])
    assert masked == [*value, MASK]


def test_the_same_object_comes_back_where_nothing_is_found() -> None:
    value: Json = {"a": [1, "text"]}
    assert Masker(["secret-1"]).mask(value) is value
    assert Masker().mask(value) is value


def test_short_secrets_are_ignored() -> None:
    assert Masker(["a", "", "12345"]).mask_text("a 12345") == "a 12345"


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert Masker(["secret", "secret-and-more"]).mask_text("secret-and-more") == MASK


def test_lines_of_a_pem_text() -> None:
    pem = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\nabcdefghijklmnop\n-----END KEY-----"
    assert (
        Masker([pem]).mask_text("x MIIEowIBAAKCAQEA y -----END KEY-----") == f"x {MASK} y -----END KEY-----"
    )
    assert Masker([pem]).mask_text(json.dumps(pem)) == f'"{MASK}"'


def test_very_long_and_very_many_secrets() -> None:
    long = "".join(f"{number:x}/" for number in range(5000))
    assert Masker([long]).mask_text(f"a {long} b") == f"a {MASK} b"
    many = [f'se"cret number {number}' for number in range(300)]
    assert Masker(many).mask_text(f"a {many[250]} b") == f"a {MASK} b"


@pytest.mark.parametrize(
    "encode", [str, str.lower, json.dumps, html.escape, lambda text: quote(text, safe="")]
)
def test_a_very_long_secret_of_special_characters_is_found_in_the_usual_spellings(
    encode: Callable[[str], str],
) -> None:
    secret = 'Ä"<&é/' * 3_000
    masked = Masker([secret]).mask_text(f"a {encode(secret)} b")
    assert masked.replace('"', "") == f"a {MASK} b"


def test_of_an_endless_secret_the_beginning_is_found() -> None:
    secret = "".join(f"{number:06x}" for number in range(20_000))
    assert Masker([secret]).mask_text(secret) == MASK + secret[LONGEST:]


@pytest.mark.parametrize(
    "hostile",
    [
        "a" * 300_000,
        "\\" * 300_000,
        "a." * 150_000,
        "xn--a." * 50_000,
        "%25" * 100_000,
        "%" + "25" * 150_000,
        "xn--" + "a" * 300_000,
    ],
)
def test_no_text_takes_long_to_look_through(hostile: str) -> None:
    """Each is looked through in time linear in its length: quadratic would be minutes."""
    masker = Masker(["пароль-secret", "another secret", r"\\srv\share"])
    assert masker.mask_text(hostile) == hostile
    assert masker.mask_text(f"{hostile} another secret").endswith(MASK)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 21, 64, 100])
def test_of_many_secrets_every_one_is_found(count: int) -> None:
    secrets = [f"secret-{number:04d}" for number in range(count)]
    assert Masker(secrets).mask_text(" ".join(secrets)) == " ".join([MASK] * count)


@pytest.mark.parametrize("secrets", [["abcdef", "abcdef123456"], ["abcXYZ", "XYZdef"], ["aaaaaa"]])
def test_secrets_that_overlap_leave_nothing(secrets: list[str]) -> None:
    for text in ("abcdef123456", "abcXYZdef", "aaaaaaaaaa"):
        if any(secret in text for secret in secrets):
            assert Masker(secrets).mask_text(f"<{text}>") == f"<{MASK}>"


@pytest.mark.parametrize("blank", ["\n", "\r\n", "\n\t", "\n    ", "\f", "\t"])
@pytest.mark.parametrize("width", [64, 76])
def test_a_value_is_masked_as_its_text_is(blank: str, width: int) -> None:
    """What is asked of the JSON text finds what is found in the text itself."""
    encoded = base64.b64encode(b"before: another secret in the middle" * 5).decode()
    text = blank.join(encoded[at : at + width] for at in range(0, len(encoded), width))
    masker = Masker(["another secret"])
    assert MASK in masker.mask_text(text)
    values: list[Json] = [text, {"a": [text]}, json.dumps({"a": text})]
    for value in values:
        assert MASK in json.dumps(masker.mask(value), ensure_ascii=False)


@pytest.mark.parametrize(
    "written",
    [
        "&#00067;nry-&#x0053;ecret",
        "C\\u006ery-%53ecret",
        "\\u{43}nry-Secret",
        "Cnry&#45;%2553ecret",
        "C%6Ery-Secre&#116;",
    ],
)
def test_single_characters_may_be_written_by_their_numbers(written: str) -> None:
    assert Masker(["Cnry-Secret"]).mask_text(f"<{written}>") == f"<{MASK}>"


def test_long_secrets_take_no_spellings_away_from_short_ones() -> None:
    long = ["".join(f"{number:x}/é" for number in range(seed, seed + 900)) for seed in (0, 1_000)]
    for written in ("ab+cd\\u002bef", "ab%2bcd&#43;ef", r"ab\+cd\+ef"):
        assert Masker([*long, "ab+cd+ef"]).mask_text(f"<{written}>") == f"<{MASK}>"


def test_a_number_is_found_however_it_is_written() -> None:
    masker = Masker(texts_of([12345678.0, 1e16]))
    assert masker.mask([12345678, 10000000000000000, 12345678.0]) == [MASK, MASK, MASK]


def test_what_is_deep_inside_is_masked_in_time() -> None:
    value: Json = [*["x" * 1_000] * 200, "another secret"]
    for _ in range(60):
        value = [value, *range(20)]
    assert "another secret" not in json.dumps(Masker(["another secret"]).mask(value))


def test_a_host_in_punycode_is_masked() -> None:
    host = "my-пароль-secret".encode("idna").decode()
    assert Masker(["пароль-secret"]).mask_text(f"http://{host}.example/x") == f"http://{MASK}/x"


@pytest.mark.parametrize("name", ["Authorization", "COOKIE", "set-cookie", "Proxy-Authorization"])
def test_headers_that_carry_credentials(name: str) -> None:
    value: Json = {"url": "/", "headers": {name: "Basic x", "X": "1"}, "body": {"headers": {name: "echo"}}}
    assert Masker().mask(value) == {
        "url": "/",
        "headers": {name: MASK, "X": "1"},
        "body": {"headers": {name: MASK}},
    }


def test_cookies_and_auth_beside_them() -> None:
    value: Json = {
        "url": "/",
        "headers": {},
        "cookies": {"sid": "1"},
        "auth": {"type": "basic", "username": "ann", "password": "pw"},
        "body": {"cookies": {"flour": "200 g"}},
    }
    assert Masker().mask(value) == {
        "url": "/",
        "headers": {},
        "cookies": {"sid": MASK},
        "auth": {"type": "basic", "username": "ann", "password": MASK},
        "body": {"cookies": {"flour": "200 g"}},
    }


def test_auth_without_any_headers() -> None:
    value: Json = {
        "url": "/",
        "auth": {"type": "bearer", "token": "t"},
        "body": [{"auth": {"token": "told"}}],
    }
    masked = {"url": "/", "auth": {"type": "bearer", "token": MASK}, "body": [{"auth": {"token": "told"}}]}
    assert Masker().mask(value) == masked
    assert Masker(["secret-1"]).mask(value) == masked


@pytest.mark.parametrize("levels", [5_000, 200_000])
@pytest.mark.parametrize("innermost", ["secret-1", {"headers": {"Cookie": "a=b"}}], ids=["secret", "cookie"])
def test_a_secret_too_deep_to_reach_hides_the_whole_value(levels: int, innermost: Json) -> None:
    assert Masker(["secret-1"]).mask(_nested(innermost, levels)) == MASK


def test_a_value_too_deep_to_read_is_hidden() -> None:
    # From Python 3.12 on, the JSON encoder goes far deeper than functions written in Python.
    assert Masker(["secret-1"]).mask(_nested([], 200_000)) == MASK


def _nested(value: Json, levels: int) -> Json:
    for _ in range(levels):
        value = [value]
    return value


@given(secrets, st.text(max_size=5), st.text(max_size=5))
def test_no_secret_survives_in_any_json(secret: str, before: str, after: str) -> None:
    assume(secret not in MASK and not set(secret) & set(MASK))
    value: Json = {"k": [before + secret + after, json.dumps(secret), quote(secret), quote_plus(secret)]}
    masked = json.dumps(Masker([secret]).mask(value), ensure_ascii=False)
    assert secret not in json.loads(masked)["k"][0]
    assert json.dumps(secret)[1:-1] not in json.loads(masked)["k"][1]
    assert json.loads(masked)["k"][2:] == [MASK, MASK]


@given(st.lists(st.text(max_size=30), max_size=5), json_values)
def test_nothing_raises_and_masking_twice_changes_nothing(texts: list[str], value: Json) -> None:
    masker = Masker(texts)
    once = masker.mask(value)
    assume(not any(set(text) & set(MASK) for text in texts))
    assert masker.mask(once) == once


@pytest.mark.parametrize(
    "text", ["1736184243098437392.10", "123456789012345678901234567890.0", "1.5e10", "12345.60"]
)
def test_a_number_with_its_own_text_is_masked(text: str) -> None:
    masker = Masker(texts_of(loads(text)))
    shown = masker.mask({"body": [loads(text)], "double": float(text), "bodyText": text, "kept": 1.10})
    assert shown == {"body": [MASK], "double": MASK, "bodyText": MASK, "kept": 1.10}


def test_the_texts_of_a_number() -> None:
    assert texts_of(loads("12345678901234567890.120")) == [
        "12345678901234567890.120",
        "1.2345678901234567e+19",
        "12345678901234567890.12",
    ]
    assert texts_of(loads("1e-999999999")) == ["1e-999999999", "0.0"]
    assert texts_of(1500000.0) == ["1500000.0", "1500000"]
