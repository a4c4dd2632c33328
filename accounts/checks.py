"""Django's system checks of what accounts need: `manage.py check --deploy`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

#: Backends that send nothing to anybody.
UNSENT = ("console", "dummy", "filebased", "locmem")


@register(Tags.security, deploy=True)
def check_mail(**_options: Any) -> list[CheckMessage]:
    """Say where mail goes nowhere: links to set a password, to confirm an address and to join are sent by mail."""
    backend = settings.EMAIL_BACKEND.removesuffix(".EmailBackend").rpartition(".")[2]
    if backend not in UNSENT:
        return []
    return [
        Warning(
            "Mails are not sent, so nobody can reset a password, confirm an address or accept an invitation.",
            hint="Set EMAIL_URL, e.g. smtp+tls://user:password@smtp.example.com:587.",
            id="accounts.W001",
        )
    ]
