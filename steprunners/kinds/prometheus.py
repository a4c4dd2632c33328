"""`prometheus`: a query over one window of time, or a comparison of two windows."""

from __future__ import annotations

import time
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from steprunners.assertions.evaluation import Assertion
from steprunners.clients.metrics.aggregation import Aggregation
from steprunners.clients.metrics.comparison import Comparison, compare
from steprunners.clients.monitoring.checking import check_queries
from steprunners.clients.monitoring.connection import MonitoringConnection
from steprunners.clients.monitoring.durations import Duration, duration_ms
from steprunners.clients.monitoring.windows import Window, span_of
from steprunners.clients.prometheus.range_query import RangeQuery, ask
from steprunners.clients.prometheus.results import PrometheusResult
from steprunners.clients.prometheus.warnings import warnings_of
from steprunners.config import LowerCase, StepConfig
from steprunners.deadline import Deadline
from steprunners.network import Call, NetworkPolicy
from steprunners.references.resolution import Grammar
from steprunners.runner import Finished, StepContext, StepRunner

NOTES = """
**The query.** A reference inside the quotes of a label value is escaped, so that it matches exactly its value. Outside
quotes the value must be a number, a duration or an identifier.

**Times.** A window is `{startTime, endTime}` (milliseconds; `endTime` is now if it is left out), `{relativeTime}` (the
last 15 minutes …), or `{}`: since the start of the execution. `offset` moves a relative window into the past: with `7d`
it is the same time a week ago. Both ends are inclusive. A window of more than 11 000 steps is refused before it is
sent.

**Samples.** NaN and ±Inf are dropped and counted in `warnings`. `coverage` is the share of the window's points that
have a sample. `aggregatedValue` is calculated from the other samples; `p95` interpolates, as `quantile_over_time` does.

**Comparison.** `duration1` is the baseline. Series are matched by all their labels. MEAN_RATIO compares the aggregated
values of each series: an anomaly differs by more than `thresholdPercent` and by more than `absoluteThreshold`. A
baseline of 0 has no percentage, so only `absoluteThreshold` counts. MANN_WHITNEY needs in addition that the ranks of
the samples moved in the same direction, and that this is not by chance: two-sided, corrected for ties, exact up to 20
samples in each window, adjusted by Holm over the series. The samples of a series follow each other in time and are not
independent. So take the `pValue` as a guide, and choose a `step` no shorter than the scrape interval.
`percentageChange` and `absoluteDifference` are the largest absolute values over all series. `verdict` HIGH or LOW is an
anomaly. NO_DATA (no series is in both windows) and INCONCLUSIVE (a series has fewer than `minSamples`) are not, so
assert on `comparison.verdict` if they must not pass.
""".strip()


class PrometheusConnection(MonitoringConnection):
    """A Prometheus, or a server with the same HTTP API (Thanos, Mimir, VictoriaMetrics)."""

    product: ClassVar[str] = "Prometheus"
    probe: ClassVar[tuple[str, dict[str, str]]] = ("/api/v1/query", {"query": "vector(1)"})


class PrometheusConfig(StepConfig):
    """The query, its windows, and how to compare them."""

    grammars: ClassVar = {"query": Grammar.LABEL}

    resource_id: str = Field(min_length=1, description="A prometheus resource, by id or name.")
    query: str = Field(min_length=1, max_length=16_000, description="PromQL.")
    duration1: Window = Field(
        default_factory=Window,
        description="The window, or the baseline; since the start of the execution if it is left out.",
    )
    duration2: Window | None = Field(None, description="The window that is compared with duration1.")
    step: Duration = Field("30s", description="The time from one sample to the next.")
    aggregation: Annotated[Aggregation, LowerCase] = "avg"
    comparison: Comparison | None = Field(
        None,
        description="Without it, duration2 is compared by MEAN_RATIO at 20 % and an anomaly is only reported.",
    )

    @model_validator(mode="after")
    def _two_to_compare(self) -> PrometheusConfig:
        if self.comparison is not None and self.duration2 is None:
            raise ValueError("a comparison needs duration2")
        return self


class PrometheusRunner(StepRunner[PrometheusConfig, PrometheusConnection]):
    """Sends the queries to Prometheus, and compares the windows."""

    type = "prometheus"
    label = "Prometheus metrics"
    description = "Queries Prometheus for a metric over one window of time, or compares two windows."
    notes = NOTES
    result_class = PrometheusResult
    resource_type = "prometheus"
    example: ClassVar[dict[str, Any]] = {
        "name": "latency",
        "stepType": "prometheus",
        "meta": {
            "resourceId": "shop-prometheus",
            "query": 'avg by (path) (shop_latency_seconds{path="/orders"})',
            "duration1": {"relativeTime": "10m", "offset": "1h"},
            "duration2": {"relativeTime": "10m"},
            "step": "30s",
            "comparison": {"mode": "MANN_WHITNEY", "direction": "INCREASE", "thresholdPercent": 20},
        },
        "timeoutMs": 10000,
        "assertions": [{"field": "comparison.verdict", "operator": "equals", "expectedValue": "PASS"}],
        "extract": {"mean_latency": "duration2Results[0].aggregatedValue"},
    }

    def check(self, connection: PrometheusConnection, network: NetworkPolicy, deadline: Deadline) -> str:
        """Send a query that every Prometheus can answer. Raises StepError."""
        return check_queries(connection, network, deadline)

    def run(self, config: PrometheusConfig, context: StepContext[PrometheusConnection]) -> Finished:
        """Query each window, and compare; raise StepError where Prometheus does not answer."""
        started = time.monotonic()
        queries = _queries(config, context)
        call = Call(context.network, context.deadline, context.cancellation)
        answers = [ask(call, context.resource, query) for query in queries]
        elapsed_ms = round((time.monotonic() - started) * 1000)
        shown = [[each.to_json(config.aggregation) for each in answer.series] for answer in answers]
        result: dict[str, Any] = {"duration1Results": shown[0]}
        if len(answers) > 1:
            result["duration2Results"] = shown[1]
            settings = config.comparison or Comparison(on_anomaly="WARN")
            result["comparison"] = compare(
                answers[0].series, answers[1].series, settings, config.aggregation, call.check
            )
        result |= {
            "executionTimeMs": elapsed_ms,
            "query": config.query,
            "warnings": warnings_of(answers, [query.span for query in queries], result.get("comparison")),
            "durationMs": round((time.monotonic() - started) * 1000),
        }
        return Finished(result)

    def expectations(self, config: PrometheusConfig, _fields: frozenset[str]) -> list[Assertion]:
        """Return the assertion that there is no anomaly, where one must fail the step; the outcome shows the reason."""
        if config.comparison is None or config.comparison.on_anomaly != "FAIL":
            return []
        return [
            Assertion(field="comparison.anomalyReason", operator="isNull", message="an anomaly was found")
        ]


def _queries(config: PrometheusConfig, context: StepContext[PrometheusConnection]) -> list[RangeQuery]:
    """Return a query for each window, checked; one clock for both."""
    now_ms = time.time_ns() // 1_000_000
    queries = []
    for place, window in (("duration1", config.duration1), ("duration2", config.duration2)):
        if window is not None:
            span = span_of(
                window, began_ms=context.execution.started_at_ms, now_ms=now_ms, place=f"meta.{place}"
            )
            query = RangeQuery(config.query, span, duration_ms(config.step))
            query.check(f"meta.{place}")
            queries.append(query)
    return queries
