"""The search finds what it is for: each secret in each spelling, as it is and a piece of it; and nothing else."""

from __future__ import annotations

import json

import pytest

from tests.security.secrets import CANARIES, Canary, digits, word
from tests.security.spellings import SPELLINGS
from tests.security.sweep import found


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_each_secret_is_found_in_each_spelling(spelling: str) -> None:
    write = SPELLINGS[spelling]
    missed = [
        str(each)
        for each in CANARIES.values()
        if not found([each], {"here": f"before {write(each.written)} after"})
    ]
    assert missed == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_each_secret_is_found_in_the_json_that_is_stored(spelling: str) -> None:
    write = SPELLINGS[spelling]
    stored = {each: json.dumps({"body": {write(each.written): 1}}) for each in CANARIES.values()}
    assert [str(each) for each, text in stored.items() if not found([each], {"here": text})] == []


def test_a_piece_is_enough() -> None:
    secret = Canary("piece", word(40))
    assert found([secret], {"here": f"xx{secret.written[16:24]}yy"})
    assert not found([secret], {"here": f"xx{secret.written[16:23]}•{secret.written[24:31]}yy"})


def test_what_is_no_secret_is_not_found() -> None:
    noise = " ".join(
        [word(20_000), digits(20_000), "{}[]\\u00e9%20&amp;" * 500, "-----BEGIN PRIVATE KEY-----"]
    )
    assert found(CANARIES.values(), {"here": noise}) == []


def test_it_says_where_and_which() -> None:
    secret = Canary("token", word())
    told = found([secret], {"first": "nothing", "second": f"T?t={secret.written}&u=1"})
    assert {each.partition(", ")[0] for each in told} == {"token in second"}
    assert "T?t=" in told[0]
