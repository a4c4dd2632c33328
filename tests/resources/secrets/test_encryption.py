"""Encryption at rest: keys, and what is said when they are missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from resources.secrets.encryption import KeysUnusable, SecretsUnreadable, decrypt_json, encrypt_json, new_key
from tests.resources.keys import UseKeys

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)


@given(JSON)
def test_what_is_encrypted_comes_back(value: object) -> None:
    token = encrypt_json(value)

    assert decrypt_json(token) == value
    assert encrypt_json(value) != token


def test_older_keys_still_read_and_the_newest_writes(use_keys: UseKeys) -> None:
    [old] = use_keys()
    before = encrypt_json("from before")
    new = new_key()
    use_keys(new, old)

    after = encrypt_json("from now")
    assert decrypt_json(before) == "from before"
    use_keys(new)
    assert decrypt_json(after) == "from now"
    with pytest.raises(SecretsUnreadable, match="Enter the secret again"):
        decrypt_json(before)


def test_a_missing_file_is_made_but_not_in_production(tmp_path: Path, settings: Settings) -> None:
    settings.SECRETS_KEYS, settings.SECRETS_KEY_FILE = [], tmp_path / "made.key"
    assert decrypt_json(encrypt_json(1)) == 1
    assert settings.SECRETS_KEY_FILE.exists()

    settings.SECRETS_KEY_FILE, settings.PRODUCTION = tmp_path / "other.key", True
    with pytest.raises(KeysUnusable, match=r"SECRETS_KEY_FILE.*cannot be read"):
        encrypt_json(1)
    assert not settings.SECRETS_KEY_FILE.exists()


@pytest.mark.parametrize(("text", "reason"), [("", "empty"), ("not a key", "32 url-safe")])
def test_what_is_no_key_is_said(tmp_path: Path, settings: Settings, text: str, reason: str) -> None:
    settings.SECRETS_KEYS, settings.SECRETS_KEY_FILE = [], tmp_path / "bad.key"
    settings.SECRETS_KEY_FILE.write_text(text)

    with pytest.raises(KeysUnusable, match=reason):
        encrypt_json(1)
