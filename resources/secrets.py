"""Encryption at rest: MultiFernet over the keys in SECRETS_KEYS, or over the key file in DATA_DIR."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from resources.key_files import read_or_create_key


class SecretsUnreadable(Exception):
    """What was encrypted cannot be read with the keys at hand."""

    def __init__(self) -> None:
        """Say what to do about it."""
        super().__init__(
            "Stored secrets cannot be decrypted: the key they were written with is missing. Restore the key "
            "(SECRETS_KEYS, or secrets.key in DATA_DIR), or enter the secrets again."
        )


@cache
def _cipher() -> MultiFernet:
    keys = settings.SECRETS_KEYS or [
        read_or_create_key(settings.DATA_DIR / "secrets.key", lambda: Fernet.generate_key().decode())
    ]
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured("SECRETS_KEYS: each key is 32 url-safe base64-encoded bytes") from error


def encrypt_json(value: Any) -> str:
    """Return the JSON value as an encrypted token (text)."""
    return _cipher().encrypt(json.dumps(value).encode()).decode()


def decrypt_json(token: str) -> Any:
    """Return the JSON value that `encrypt_json` was given; raise SecretsUnreadable where no key fits."""
    try:
        return json.loads(_cipher().decrypt(token.encode()))
    except InvalidToken as error:
        raise SecretsUnreadable from error
