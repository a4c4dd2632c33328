"""Texts are masked by everything that is known to be secret, then cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.masking.display import shortened, show
from steprunners.masking.known_secrets import KnownSecrets, hidden, hidden_text, hiding, shorten

SECRET = "Cnry-0123456789-secret"


def test_only_texts_that_can_be_found_again_are_kept() -> None:
    known = KnownSecrets(["short", SECRET])
    assert known.add(["tiny", SECRET, "another"]) == {"another"}
    assert known.texts == (SECRET, "another")


def test_what_is_added_is_masked_from_then_on() -> None:
    known = KnownSecrets()
    value: Json = {"a": SECRET}
    assert known.hide(value) is value
    known.add([SECRET])
    assert known.hide(value) == {"a": MASK}
    assert known.hide_text(f"<{SECRET}>") == f"<{MASK}>"


def test_outside_of_a_step_nothing_is_masked() -> None:
    assert hidden({"a": SECRET}) == {"a": SECRET}
    assert hidden_text(SECRET) == SECRET
    assert shorten("abcdef", 3) == "abc…"


@given(st.integers(0, 60), st.integers(1, 60))
def test_no_cut_leaves_the_beginning_of_a_secret(before: int, limit: int) -> None:
    text = "x" * before + SECRET + "y" * 40
    with hiding(KnownSecrets([SECRET])):
        assert "Cnry" not in shorten(text, limit)
        assert "Cnry" not in show({"k": text}, limit)


@pytest.mark.parametrize("before", [16_370, 16_383, 16_390])
def test_what_is_kept_of_a_long_value_is_masked_first(before: int) -> None:
    with hiding(KnownSecrets([SECRET])):
        kept = shortened("x" * before + SECRET + "y" * 40)
    assert "Cnry" not in str(kept)


def test_blocks_nest() -> None:
    with hiding(KnownSecrets([SECRET])):
        with hiding(KnownSecrets()):
            assert hidden_text(SECRET) == SECRET
        assert hidden_text(SECRET) == MASK
