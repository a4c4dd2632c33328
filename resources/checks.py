"""System checks of the keys for stored secrets: whether they can be used, and by whom their file can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

from resources.models import Environment, Resource
from resources.secrets.encryption import KeysUnusable, SecretsUnreadable, cipher_of, current_keys

#: How many of the newest rows of each kind are tried: a lost key is lost for all.
SAMPLE = 5
HINT = (
    "Restore the key that they were written with, or have them entered again: docs/security.md, 'A lost key'."
)


def count_unreadable() -> int:
    """Return how many of the newest resources and environments hold secrets that no key reads."""
    rows = [
        row
        for model in (Resource, Environment)
        for row in model._default_manager.filter(secrets__isnull=False)
        .order_by("-pk")
        .only("secrets")[:SAMPLE]
    ]
    return sum(not _is_readable(row) for row in rows)


def _is_readable(row: Any) -> bool:
    try:
        row.secrets  # noqa: B018 - reading it decrypts it
    except SecretsUnreadable:
        return False
    return True


@register(Tags.security)
def check_keys(**_options: Any) -> list[CheckMessage]:
    """Say where the keys cannot be used, or others can read their file."""
    try:
        cipher_of(current_keys())
    except KeysUnusable as error:
        return [Error(str(error), id="resources.E001")]
    if not settings.SECRETS_KEYS and settings.SECRETS_KEY_FILE.stat().st_mode & 0o077:
        file = settings.SECRETS_KEY_FILE
        return [Warning(f"{file} can be read by others: chmod 600 {file}", id="resources.W001")]
    return []


@register(Tags.database)
def check_stored(databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    """Say where stored secrets cannot be read (`manage.py check --database default`)."""
    if not databases:
        return []
    try:
        unreadable = count_unreadable()
    except DatabaseError:  # not migrated yet
        return []
    if not unreadable:
        return []
    message = f"Secrets of {unreadable} of the newest resources and environments cannot be decrypted."
    return [Warning(message, hint=HINT, id="resources.W002")]
