"""What is known of every HTTP request: its id, a log line, metrics, and a span where traces are made.

`X-Request-ID` is taken from who asks, where it is one, and sent back; every log line of the request has it. A log line
and a metric name the route, never the address: some addresses are secrets (links that reset a password).
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from telemetry import log_context, metrics, tracing

logger = logging.getLogger(__name__)

HEADER = "X-Request-ID"
_VALID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
#: Asked every few seconds by machines: counted, but no line in the log.
_UNTOLD = frozenset({"healthz", "readyz", "metrics"})

Handler = Callable[[HttpRequest], HttpResponseBase]


def observe(get_response: Handler) -> Handler:
    """Note every request, and put its id into the answer."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        begin = time.perf_counter()
        request_id = _id_of(request)
        with (
            log_context.bound(requestId=request_id),
            tracing.request(request.method or "", request.headers) as told,
        ):
            response = get_response(request)
            seconds, route = time.perf_counter() - begin, _route(request)
            response.headers[HEADER] = request_id
            told(route, response.status_code)
            metrics.request_answered(request.method or "", route, response.status_code, seconds)
            if route not in _UNTOLD:
                _log(request, route, response.status_code, seconds)
            return response

    return answer


class RoutesOnly(logging.Filter):
    """Has Django's own lines about a request, too, name its route in place of its address."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line pass."""
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            written = request.path.encode("unicode_escape").decode(
                "ascii"
            )  # as Django puts it into its lines
            record.args = tuple(_route(request) if each == written else each for each in record.args)
        return True


def _id_of(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "")
    return given if _VALID.fullmatch(given) else str(uuid.uuid4())


def _route(request: HttpRequest) -> str:
    """Return the pattern that the address matched; `unknown` for those that match none."""
    match = request.resolver_match
    return "unknown" if match is None else match.route or "home"


def _log(request: HttpRequest, route: str, status: int, seconds: float) -> None:
    milliseconds = round(seconds * 1000)
    logger.info(
        "%s %s %s in %s ms", request.method, route, status, milliseconds,
        extra={"facts": {"method": request.method, "route": route, "status": status, "durationMs": milliseconds}},
    )  # fmt: skip
