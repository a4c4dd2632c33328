"""`/metrics`, for Prometheus: who may read it, and what is in it (docs/observability.md)."""

from __future__ import annotations

import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from executions.observability.gauges import load_gauges
from telemetry.access import has_token, is_direct_from_loopback
from telemetry.exposition import render

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Show the metrics to who has METRICS_TOKEN or, where none is set, asks from this machine."""
    refusal = _refusal(request)
    if refusal is not None:
        return refusal
    try:
        body, content_type = render(request.headers.get("Accept", ""), [load_gauges])
    except Exception:  # a file that a process was killed while it wrote: the next scrape may have more luck
        logger.exception("the metrics cannot be read")
        return _sentence(503, "The metrics cannot be read.")
    return HttpResponse(body, content_type=content_type)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if settings.METRICS_TOKEN:
        if has_token(request.headers.get("Authorization", ""), settings.METRICS_TOKEN):
            return None
        answer = _sentence(401, "Send METRICS_TOKEN: Authorization: Bearer …")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    if is_direct_from_loopback(request.META.get("REMOTE_ADDR", ""), request.headers):
        return None
    return _sentence(403, "Without METRICS_TOKEN only this machine itself may read the metrics.")


def _sentence(status: int, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
