"""Record sign-ins, failed sign-ins and sign-outs in the audit log, for every door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from accounts.audit.log import record
from accounts.models import User


def listen() -> None:
    """Connect to Django's signals, which every door sends."""
    for signal, listener in (
        (user_logged_in, _signed_in),
        (user_logged_out, _signed_out),
        (user_login_failed, _failed),
    ):
        signal.connect(listener, dispatch_uid=f"audit{listener.__name__}")


def _signed_in(request: HttpRequest | None, user: User, **_: Any) -> None:
    record(actor=user, action="account.sign_in", target=user, request=request)


def _signed_out(request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None:
        record(actor=user, action="account.sign_out", target=user, request=request)


def _failed(credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Record whose account it was, but never what was typed: it may be a password in the wrong field."""
    typed = str(credentials.get("username", "")).replace("\0", "")
    user = User.objects.filter(email=typed.lower()).first()
    record(actor=None, action="account.sign_in_failed", target=user, request=request)
