"""Encryption at rest: MultiFernet over the keys in SECRETS_KEYS, or over those in the key file (newest first)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from resources.secrets.key_files import read_keys, read_or_create_key
from steprunners.values.stored_json import dumps, loads

#: The code that answers and steps carry.
UNREADABLE = "secret_unreadable"


class SecretsUnreadable(Exception):
    """What was encrypted cannot be read with the keys at hand; the message says what to do about it."""

    def __init__(self, message: str = "") -> None:
        """Say what to do about it."""
        super().__init__(
            message
            or "A stored secret cannot be decrypted: the key that it was written with is missing. Enter the secret"
            " again, or have an administrator restore the key (SECRETS_KEYS, or the key file)."
        )


class KeysUnusable(SecretsUnreadable):
    """There are no keys, or what should be one is none."""


def new_key() -> str:
    """Return a fresh key: 32 random bytes in url-safe base64."""
    return Fernet.generate_key().decode()


def current_keys() -> tuple[str, ...]:
    """Return the keys, newest first; a key file that was changed meanwhile is read anew.

    Outside production a missing file is made. Raises KeysUnusable where there are none.
    """
    if settings.SECRETS_KEYS:
        return tuple(settings.SECRETS_KEYS)
    path = settings.SECRETS_KEY_FILE
    try:
        if not settings.PRODUCTION and not path.exists():
            read_or_create_key(path, new_key)
        keys = read_keys(path)
    except OSError as error:
        raise KeysUnusable(f"The key file (SECRETS_KEY_FILE) cannot be read: {error.strerror}.") from error
    if not keys:
        raise KeysUnusable("The key file (SECRETS_KEY_FILE) is empty.")
    return keys


@lru_cache(maxsize=4)
def cipher_of(keys: tuple[str, ...]) -> MultiFernet:
    """Return what encrypts with the first of the keys and decrypts with all; raise KeysUnusable."""
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise KeysUnusable("SECRETS_KEYS: each key is 32 url-safe base64-encoded bytes.") from error


def encrypt_json(value: Any) -> str:
    """Return the JSON value as an encrypted token (text)."""
    return cipher_of(current_keys()).encrypt(dumps(value).encode()).decode()


def decrypt_json(token: str) -> Any:
    """Return the JSON value that `encrypt_json` was given; raise SecretsUnreadable where no key fits."""
    try:
        return loads(cipher_of(current_keys()).decrypt(token.encode()).decode())
    except InvalidToken as error:
        raise SecretsUnreadable from error
