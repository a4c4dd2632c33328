"""Keys of a test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from resources.secrets import key_files
from resources.secrets.encryption import new_key

UseKeys = Callable[..., list[str]]


@pytest.fixture
def use_keys(tmp_path: Path, settings: Settings) -> UseKeys:
    """Call it to put these keys (or a fresh one) into the key file, in place of the others; returns them."""
    settings.SECRETS_KEYS = []
    settings.SECRETS_KEY_FILE = tmp_path / "secrets.key"

    def use(*keys: str) -> list[str]:
        chosen = list(keys) or [new_key()]
        key_files.write_keys(settings.SECRETS_KEY_FILE, chosen)
        return chosen

    settings.SECRETS_KEY_FILE.touch()
    use()
    return use
