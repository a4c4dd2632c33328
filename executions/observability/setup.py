"""Sets up what a process shows of itself: that it runs, its metrics on a port of its own, and its traces."""

from __future__ import annotations

from django.conf import settings

from executions.observability.gauges import load_gauges
from telemetry import listener, metrics, tracing


def set_up_telemetry(kind: str) -> None:
    """Set up metrics and traces of this process, whose kind is "web" or "worker". Raises BadAddress."""
    metrics.process_runs(kind)
    tracing.start(settings.TRACES_ENDPOINT, kind)
    if settings.METRICS_ADDRESS:
        listener.serve(settings.METRICS_ADDRESS, token=settings.METRICS_TOKEN, more=[load_gauges])


def set_up_traces_in_child() -> None:
    """Set up traces in a child of a prefork pool: the children run the steps, their parent shows the metrics."""
    tracing.start(settings.TRACES_ENDPOINT, "worker")
