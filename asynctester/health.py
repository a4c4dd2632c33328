"""Health checks for load balancers and orchestrators: whether the process is up, and whether it can do its work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from asynctester.celery import app
from asynctester.middleware.errors import error_response
from asynctester.version import VERSION
from executions.worker.heartbeat import workers_alive
from resources.checks import count_unreadable
from resources.secrets.encryption import UNREADABLE
from telemetry.limited import Answer, ask_all

logger = logging.getLogger(__name__)

#: The whole answer is there within three seconds, whatever hangs.
BROKER_SECONDS, PATIENCE = 2, 2.5

Facts = Mapping[str, object]


@require_safe
@never_cache
def alive(_request: HttpRequest) -> JsonResponse:
    """Answer 200 with the version while the process answers at all."""
    return JsonResponse({"status": "ok", "version": VERSION})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if database, broker and a worker answer, otherwise 503; `parts` says which of them does.

    `?parts=database,broker` checks only these. `warnings` names what keeps the service from part of its work: stored
    secrets whose key is missing.
    """
    names = request.GET.get("parts", ",".join(_PARTS)).split(",")
    if not set(names) <= set(_PARTS):
        return error_response(400, "unknown_part", f"The parts are {', '.join(_PARTS)}.", "parts")
    answers = ask_all({name: _PARTS[name] for name in names}, seconds=PATIENCE)
    parts = {name: _told(name, answer) for name, answer in answers.items()}
    ok = all(part["ok"] for part in parts.values())
    warnings = _warnings() if ok and "database" in parts else []
    body = {"status": "ok" if ok else "unavailable", "parts": parts, "warnings": warnings}
    return JsonResponse(body, status=200 if ok else 503)


def _warnings() -> list[dict[str, str]]:
    unreadable = count_unreadable()
    if not unreadable:
        return []
    logger.warning("Stored secrets cannot be decrypted: their key is missing")
    return [{"code": UNREADABLE, "detail": "Stored secrets cannot be decrypted: their key is missing."}]


class _Missing(Exception):
    """What was asked after answers, and says that there is none."""


def _ask_database() -> Facts:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return {}
    finally:
        connection.close()  # it was this thread's own; back to the pool


def _ask_broker() -> Facts:
    # An own connection: one from Celery's pool would say how the broker was, not how it is.
    with app.connection_for_write(connect_timeout=BROKER_SECONDS) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_SECONDS)
        broker.default_channel  # noqa: B018 - Redis is asked when the first channel opens
    return {}


def _ask_worker() -> Facts:
    count = workers_alive()
    if count == 0:
        raise _Missing("no worker has sent a heartbeat within 16 s")
    return {"count": count}


_PARTS: Mapping[str, Callable[[], Facts]] = {
    "database": _ask_database,
    "broker": _ask_broker,
    "worker": _ask_worker,
}


def _told(name: str, answer: Answer[Facts]) -> dict[str, object]:
    """Return what is told of a part; the reason of a failure goes to the log alone."""
    if isinstance(answer.error, _Missing):
        return {"ok": False, "message": str(answer.error)}
    if answer.error is not None:  # whatever driver is in use, each has its own errors
        logger.warning("The %s does not answer", name, exc_info=answer.error)
        return {"ok": False, "message": "does not answer"}
    return {"ok": True, "latencyMs": answer.milliseconds, **(answer.value or {})}
