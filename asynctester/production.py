"""Settings that PRODUCTION=true refuses to start with, since they are only safe on one's own machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

SHORTEST_KEY = 50
FEWEST_CHARACTERS = 5  # different ones, as Django's own check wants


def refuse_unsafe(env: Any) -> None:
    """Raise ImproperlyConfigured with everything that is unsafe in `env`, as django-environ reads it."""
    problems = list(_problems(env))
    if problems:
        raise ImproperlyConfigured("PRODUCTION=true: " + "; ".join(problems))


def _problems(env: Any) -> Iterator[str]:
    if env.bool("DEBUG", default=False):
        yield "DEBUG must be off"
    key = env("SECRET_KEY", default="")
    if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS or key.startswith("django-insecure"):
        yield f"SECRET_KEY must be set to at least {SHORTEST_KEY} random characters"
    hosts = env.list("ALLOWED_HOSTS", default=[])
    if not hosts or "*" in hosts:
        yield "ALLOWED_HOSTS must name the hosts that the service is reached by"
    yield from _problems_of_keys(env.list("SECRETS_KEYS", default=[]), env("SECRETS_KEY_FILE", default=""))


def _problems_of_keys(keys: list[str], file: str) -> Iterator[str]:
    if not keys and not file:
        yield "SECRETS_KEYS or SECRETS_KEY_FILE must be set (manage.py rotate_keys --print-key makes a key)"
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            yield f"key {number} of SECRETS_KEYS is not 32 url-safe base64-encoded bytes"
