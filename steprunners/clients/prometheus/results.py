"""The shape of a `prometheus` step's result."""

from __future__ import annotations

from pydantic import Field

from steprunners.clients.metrics.comparison import Verdict
from steprunners.config import StepResult, Wire


class Sample(Wire):
    """One sample."""

    timestamp: int
    value: float


class SeriesResult(Wire):
    """One series of a window."""

    metric: str = Field(description="The name of the metric; empty if the result of the query has none.")
    labels: dict[str, str]
    values: list[Sample]
    aggregated_value: float | None
    min: float | None
    max: float | None
    count: int
    coverage: float = Field(description="The share of the window's points that have a sample, 0 to 1.")


class SeriesName(Wire):
    """A series that only one window has."""

    metric: str
    labels: dict[str, str]


class SeriesComparison(SeriesName):
    """One series in both windows."""

    n1: int
    n2: int
    coverage1: float
    coverage2: float
    mean1: float | None
    mean2: float | None
    median1: float | None
    median2: float | None
    percentage_change: float | None = Field(description="Null if the baseline is 0.")
    absolute_difference: float | None
    p_value: float | None = Field(None, exclude_if=lambda value: value is None, description="Holm-adjusted.")
    effect_size: float | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="Rank-biserial: from -1 (lower) to 1 (higher).",
    )
    verdict: Verdict


class ComparisonResult(Wire):
    """How the second window differs from the first."""

    mode: str
    percentage_change: float | None
    absolute_difference: float | None
    anomaly_detected: bool
    anomaly_reason: str | None
    verdict: Verdict
    series: list[SeriesComparison]
    missing_series: list[SeriesName] = Field(description="Only in duration1.")
    new_series: list[SeriesName] = Field(description="Only in duration2.")


class PrometheusResult(StepResult):
    """The series of each window."""

    duration1_results: list[SeriesResult]
    duration2_results: list[SeriesResult] | None = Field(None, exclude_if=lambda value: value is None)
    comparison: ComparisonResult | None = Field(None, exclude_if=lambda value: value is None)
    execution_time_ms: int = Field(description="How long Prometheus took to answer.")
    query: str
    warnings: list[str]
