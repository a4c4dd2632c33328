"""Is the process up, and can it do its work: for load balancers and orchestrators."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from asynctester.celery import app
from resources.checks import count_unreadable
from resources.secrets import UNREADABLE

logger = logging.getLogger(__name__)

BROKER_SECONDS = 2


@require_safe
@never_cache
def alive(_request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process answers at all."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(_request: HttpRequest) -> JsonResponse:
    """Answer 200 where database and broker answer, otherwise 503; `parts` says which of them does.

    `warnings` has what keeps the service from its work in part: stored secrets whose key is missing.
    """
    parts = {"database": _probe("database", _ask_database), "broker": _probe("broker", _ask_broker)}
    ok = all(part["ok"] for part in parts.values())
    body = {"status": "ok" if ok else "unavailable", "parts": parts, "warnings": _warnings() if ok else []}
    return JsonResponse(body, status=200 if ok else 503)


def _warnings() -> list[dict[str, str]]:
    unreadable = count_unreadable()
    if not unreadable:
        return []
    logger.warning("Stored secrets cannot be decrypted: their key is missing")
    return [{"code": UNREADABLE, "detail": "Stored secrets cannot be decrypted: their key is missing."}]


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_broker() -> None:
    # An own connection: one from Celery's pool would say how the broker was, not how it is.
    with app.connection_for_write(connect_timeout=BROKER_SECONDS) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_SECONDS)
        broker.default_channel  # noqa: B018 - Redis is asked when the first channel opens


def _probe(name: str, ask: Callable[[], None]) -> dict[str, object]:
    """Return whether `ask` succeeded and how long it took; the reason of a failure goes to the log alone."""
    begin = time.perf_counter()
    try:
        ask()
    except Exception:  # whatever driver is in use, each has its own errors
        logger.warning("The %s does not answer", name, exc_info=True)
        return {"ok": False, "message": "does not answer"}
    return {"ok": True, "latencyMs": round((time.perf_counter() - begin) * 1000)}
