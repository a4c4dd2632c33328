"""Every metric of the service, and the calls that count. A call costs a few microseconds and never raises.

Names follow https://prometheus.io/docs/practices/naming/; durations are in seconds. No label names a tenant, a user
or an object of theirs: labels are step types, statuses, routes and the like, so that the number of series is bounded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from prometheus_client import Counter, Gauge, Histogram

from telemetry import reserved

logger = logging.getLogger(__name__)

reserved.use()

P = ParamSpec("P")

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_LONG = (0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 86_400.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

EXECUTIONS_STARTED = Counter("asynctester_executions_started", "Executions created, by source.", ["source"])
EXECUTIONS_ENDED = Counter(
    "asynctester_executions_ended", "Executions ended, by status and source.", ["status", "source"]
)
EXECUTION_SECONDS = Histogram(
    "asynctester_execution_duration_seconds", "From the start of an execution to its end.", ["status"],
    buckets=_LONG,
)  # fmt: skip
STEPS_ENDED = Counter("asynctester_steps_ended", "Steps ended, by type and outcome.", ["step_type", "status"])
STEP_SECONDS = Histogram(
    "asynctester_step_duration_seconds", "From the first claim of a step to its end, waits included.",
    ["step_type"], buckets=_SECONDS,
)  # fmt: skip
QUEUE_DELAY = Histogram(
    "asynctester_queue_delay_seconds", "From when a step was due to when a worker claimed it.",
    buckets=_SECONDS,
)  # fmt: skip
SWEEPER_ACTIONS = Counter("asynctester_sweeper_actions", "What sweepers did, by action.", ["action"])
PUBLISH_FAILURES = Counter(
    "asynctester_publish_failures", "Messages that the broker did not take: task or update.", ["message"]
)
LIVE_CLIENTS = Gauge("asynctester_live_clients", "Open live streams.", multiprocess_mode="livesum")
PROCESSES = Gauge(
    "asynctester_processes", "Processes of the service that run.", ["kind"], multiprocess_mode="livesum"
)
HTTP_REQUESTS = Counter("asynctester_http_requests", "HTTP requests answered.", ["method", "route", "status"])
HTTP_SECONDS = Histogram(
    "asynctester_http_request_duration_seconds", "From an HTTP request to its answer.", ["method", "route"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)  # fmt: skip

_told: set[str] = set()


def _harmless(count: Callable[P, None]) -> Callable[P, None]:
    """Log a count that fails (a full disk, say) once, and then ignore it: the work comes first."""

    @wraps(count)
    def counted(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            count(*args, **kwargs)
        except Exception:
            if count.__name__ not in _told:
                _told.add(count.__name__)
                logger.exception("%s is not counted", count.__name__)

    return counted


@_harmless
def execution_started(source: str) -> None:
    """Count an execution that was created."""
    EXECUTIONS_STARTED.labels(source).inc()


@_harmless
def execution_ended(status: str, source: str, duration_ms: int | None) -> None:
    """Count an execution that has ended; `duration_ms` is None where it never began."""
    EXECUTIONS_ENDED.labels(status, source).inc()
    if duration_ms is not None:
        EXECUTION_SECONDS.labels(status).observe(duration_ms / 1000)


@_harmless
def step_ended(step_type: str, status: str, duration_ms: int | None) -> None:
    """Count a step that has ended; `duration_ms` is None where it never began."""
    STEPS_ENDED.labels(step_type, status).inc()
    if duration_ms is not None:
        STEP_SECONDS.labels(step_type).observe(duration_ms / 1000)


@_harmless
def step_claimed(late_seconds: float) -> None:
    """Note how long after it was due a step was claimed; machines' clocks may differ a little."""
    QUEUE_DELAY.observe(max(0.0, late_seconds))


@_harmless
def sweeper_did(action: str) -> None:
    """Count what a sweeper did."""
    SWEEPER_ACTIONS.labels(action).inc()


@_harmless
def not_published(message: str, count: int = 1) -> None:
    """Count messages of this kind (task, update) that the broker did not take."""
    PUBLISH_FAILURES.labels(message).inc(count)


@_harmless
def request_answered(method: str, route: str, status: int, seconds: float) -> None:
    """Count an HTTP request; `route` is the pattern of its address, never the address itself."""
    known = method if method in _METHODS else "other"
    HTTP_REQUESTS.labels(known, route, str(status)).inc()
    HTTP_SECONDS.labels(known, route).observe(seconds)


@_harmless
def process_runs(kind: str) -> None:
    """Count this process as one of the kind: web or worker."""
    PROCESSES.labels(kind).set(1)
