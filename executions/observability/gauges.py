"""Gauges of how much work there is, read from the database when Prometheus asks: no process could count it alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, Min, Q
from django.db.models.functions import Now
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from executions.models import Execution, ExecutionStep
from executions.states import EXECUTION_TERMINAL, StepStatus
from telemetry.limited import ask_all

logger = logging.getLogger(__name__)

#: How long a scrape waits for the database, and how long an answer is used again; in seconds.
PATIENCE, FRESH = 2.0, 3.0


@dataclass(frozen=True)
class Load:
    """Open executions by status, open steps, and when the step was due that has been due for the longest time."""

    executions: dict[str, int]
    waiting: int
    running: int
    oldest_due: datetime | None


def read_load() -> Load:
    """Read the load from the partial indexes of open rows: two look-ups, however long the history is."""
    try:
        due = Q(status=StepStatus.WAITING, due_at__lte=Now())
        steps = ExecutionStep.objects.filter(look_at__isnull=False).aggregate(
            waiting=Count("pk", filter=Q(status=StepStatus.WAITING)),
            running=Count("pk", filter=Q(status=StepStatus.IN_PROGRESS)),
            oldest=Min("due_at", filter=due),
        )
        open_ = Execution.objects.filter(look_at__isnull=False).exclude(status__in=EXECUTION_TERMINAL)
        executions = dict(open_.order_by().values_list("status").annotate(Count("pk")))
        return Load(executions, steps["waiting"], steps["running"], steps["oldest"])
    finally:
        connection.close()  # back to the pool: it is this thread's own


class LoadGauges(Collector):
    """The load as gauges. If the database does not answer there are none, and `asynctester_database_up` is 0."""

    def __init__(self) -> None:
        self._read_at = float("-inf")
        self._load: Load | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges; several scrapes at the same time read the database once."""
        if time.monotonic() - self._read_at > FRESH:
            self._load = self._read()
            self._read_at = time.monotonic()
        up = GaugeMetricFamily("asynctester_database_up", "Whether the database answered within 2 s.")
        up.add_metric([], float(self._load is not None))
        yield up
        if self._load is not None:
            yield from _families(self._load)

    def _read(self) -> Load | None:
        answer = ask_all({"load": read_load}, seconds=PATIENCE)["load"]
        if answer.error is not None:
            logger.warning("the load cannot be read: %r", answer.error)
        return answer.value


def _families(load: Load) -> Iterator[GaugeMetricFamily]:
    executions = GaugeMetricFamily(
        "asynctester_open_executions", "Executions that are not over, by status.", labels=["status"]
    )
    for status in ("PENDING", "IN_PROGRESS"):
        executions.add_metric([status], load.executions.get(status, 0))
    yield executions
    yield _one("asynctester_waiting_steps", "Steps that wait: retry, until, delay, Kafka.", load.waiting)
    yield _one("asynctester_running_steps", "Steps that a worker has claimed.", load.running)
    late = (timezone.now() - load.oldest_due).total_seconds() if load.oldest_due else 0.0
    yield _one("asynctester_oldest_due_step_seconds", "How late the latest waiting step is.", max(0.0, late))


def _one(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation)
    family.add_metric([], value)
    return family


load_gauges = LoadGauges()
