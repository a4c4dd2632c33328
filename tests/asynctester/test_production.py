"""PRODUCTION=true: what it refuses to start with, and what it switches on."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from asynctester.production import refuse_unsafe
from resources.secrets.encryption import new_key

GOOD = {
    "PRODUCTION": "true",
    "SECRET_KEY": secrets.token_urlsafe(60),
    "SECRETS_KEYS": new_key(),
    "ALLOWED_HOSTS": "tests.example",
}


def refusal(changes: dict[str, str]) -> str:
    env = environ.Env()
    env.ENVIRON = {**GOOD, **changes}
    try:
        refuse_unsafe(env)
    except ImproperlyConfigured as error:
        return str(error)
    return ""


def test_what_is_safe_starts() -> None:
    assert refusal({}) == ""
    assert refusal({"SECRETS_KEYS": "", "SECRETS_KEY_FILE": "/etc/asynctester/secrets.key"}) == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"DEBUG": "true"}, "DEBUG must be off"),
        ({"SECRET_KEY": ""}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "a" * 80}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "django-insecure-" + "abcdefgh" * 10}, "SECRET_KEY must be set"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS must name"),
        ({"ALLOWED_HOSTS": "a.example,*"}, "ALLOWED_HOSTS must name"),
        ({"SECRETS_KEYS": ""}, "SECRETS_KEYS or SECRETS_KEY_FILE"),
        ({"SECRETS_KEYS": f"{new_key()},nonsense"}, "key 2 of SECRETS_KEYS"),
    ],
)
def test_what_is_unsafe_does_not(changes: dict[str, str], reason: str) -> None:
    assert reason in refusal(changes)


def test_everything_is_said_at_once() -> None:
    said = refusal({"DEBUG": "on", "SECRET_KEY": "", "SECRETS_KEYS": "", "ALLOWED_HOSTS": ""})
    assert said.count(";") == 3


SWITCHED = {
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "SECURE_SSL_REDIRECT": True,
    "SECURE_HSTS_SECONDS": 31_536_000,
    "DEBUG": False,
    "SQLITE_FOLDER": "",
    "NETWORK_ALLOWED": [],
    "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"],
}
CHECK_AND_TELL = f"""
import django, json
from django.conf import settings
from django.core.management import call_command
django.setup()
call_command("check", deploy=True, fail_level="WARNING")
print(json.dumps({{name: getattr(settings, name) for name in {list(SWITCHED)}}}))
"""


def test_the_switches_and_djangos_own_check(tmp_path: Path) -> None:
    """In a process of its own, since settings are read once."""
    own = {"DATA_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path / 'db'}", "NETWORK_ALLOWED": ""}
    own["EMAIL_URL"] = "smtp+tls://mail.tests.example:587"
    asked = {"TRUST_X_FORWARDED_PROTO": "true", "SQLITE_FOLDER": str(tmp_path)}
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "asynctester.settings", **GOOD, **own, **asked}

    told = subprocess.run(
        [sys.executable, "-c", CHECK_AND_TELL], env=environment, capture_output=True, text=True, check=False
    )

    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout.splitlines()[-1]) == SWITCHED
