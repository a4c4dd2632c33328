"""What a process shows of itself: that it runs, metrics on a port of its own, traces; a worker, that it lives."""

from __future__ import annotations

from typing import Any

from celery.signals import worker_process_init, worker_ready, worker_shutting_down
from django.conf import settings

from executions.observability.gauges import load_gauges
from executions.worker.heartbeat import Pulse
from telemetry import listener, metrics, tracing

_pulse = Pulse()


def show(kind: str) -> None:
    """Begin to show this process, which is a web or worker one; raises BadAddress."""
    metrics.process_runs(kind)
    tracing.start(settings.TRACES_ENDPOINT, kind)
    if settings.METRICS_ADDRESS:
        listener.serve(settings.METRICS_ADDRESS, token=settings.METRICS_TOKEN, more=[load_gauges])


@worker_ready.connect
def _begin(**_: Any) -> None:
    _pulse.start()
    show("worker")


@worker_process_init.connect
def in_child(**_: Any) -> None:
    """Make traces in each child of a prefork pool: it is they who run the steps."""
    tracing.start(settings.TRACES_ENDPOINT, "worker")


@worker_shutting_down.connect
def _end(**_: Any) -> None:
    _pulse.stop()
