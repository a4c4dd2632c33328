"""Credentials are known by their place, in requests and in results."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from steprunners.json_types import Json
from steprunners.masking.credentials import MASK, credentials_in, credentials_of, without_credentials
from steprunners.masking.masker import Masker


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Bearer abc.def==", {"abc.def=="}),
        ("Basic YW5uOmh1bnRlcjI6eA==", {"YW5uOmh1bnRlcjI6eA==", "hunter2:x"}),
        ("Basic YW5uOmh1bnRlcjI6eA", {"YW5uOmh1bnRlcjI6eA", "hunter2:x"}),
        ("Basic YXBpa2V5LTEyMzQ1Njo=", {"YXBpa2V5LTEyMzQ1Njo=", "apikey-123456"}),
        ("Basic YTpw5A==", {"YTpw5A==", "p\ufffd", "pä"}),
        ("Bearer\ttok", {"tok"}),
        ("Token token=abc, ver=2", {"token=abc, ver=2", "abc"}),
        (
            'Digest username="u", response="5ccc", uri="/x"',
            {'username="u", response="5ccc", uri="/x"', "5ccc"},
        ),
        ("sid=enc%3Dtok; a=1,b=2", {"enc%3Dtok", "enc=tok", "1", "2"}),
        ("sid=abc; theme=dark", {"abc", "dark"}),
        ("hunter2", {"hunter2"}),
        ('sid="abc"', {"abc"}),
        ("", set()),
    ],
)
def test_what_of_a_value_may_be_repeated_alone(value: str, found: set[str]) -> None:
    assert set(credentials_in(value)) == found


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"headers": {"Authorization": "Bearer T0ken"}}, {"T0ken"}),
        ({"headers": {"Proxy-Authorization": "plain"}}, {"plain"}),
        ({"headers": {"Authorization": "dG9rZW4tMQ=="}}, {"dG9rZW4tMQ==", "="}),
        ({"headers": {"Cookie": "sid=S; lang=en"}}, {"S", "en"}),
        ({"headers": {"set-cookie": "sid=S; Path=/; SameSite=Strict"}}, {"S"}),
        ({"headers": {"set-cookie": "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT, b=2; Secure"}}, {"1", "2"}),
        ({"headers": {"authorization": ["Bearer one", "Bearer two"]}}, {"one", "two"}),
        ({"headers": {}, "cookies": {"sid": "S"}}, {"S"}),
        ({"url": "u", "auth": {"type": "basic", "username": "me", "password": "P"}}, {"P"}),
        ({"items": [{"headers": {}, "cookies": {"sid": "S"}}]}, {"S"}),
        ({"cookies": {"sid": "S"}}, set()),
        ({"auth": {"password": "P"}}, set()),
        ({"headers": {"accept": "x"}}, set()),
    ],
)
def test_what_is_secret_in_a_record(record: Json, found: set[str]) -> None:
    assert set(credentials_of(record)) == found


def test_all_that_is_found_is_masked_in_its_place() -> None:
    record: Json = {"headers": {"set-cookie": "sid=S3cret"}, "cookies": {"sid": "S3cret"}, "body": "S3cret"}
    shown = {"headers": {"set-cookie": MASK}, "cookies": {"sid": MASK}, "body": "S3cret"}
    assert without_credentials(record) == shown


def test_a_record_without_credentials_is_itself() -> None:
    record: Json = {"headers": {"accept": "x"}, "cookies": {}, "body": [{"auth": {"password": "x"}}]}
    assert without_credentials(record) is record


@pytest.mark.parametrize("mask", [without_credentials, Masker(["not there"]).mask, Masker(["S3cret"]).mask])
def test_the_text_beside_a_parsed_echo_is_masked_too(mask: Callable[[Json], Json]) -> None:
    echo: Json = {"headers": {"cookie": "a=b"}, "note": "S3cret"}
    record: Json = {
        "body": echo,
        "bodyText": json.dumps(echo),
        "messages": [{"value": echo, "valueText": "a=b"}],
    }
    shown = json.dumps(mask(record))
    assert "a=b" not in shown
    assert shown.count(MASK.encode("ascii", "backslashreplace").decode()) >= 4
