"""One series of a window: its labels, its finite samples, and numbers that are calculated from them."""

from __future__ import annotations

from dataclasses import dataclass

from steprunners.clients.metrics.aggregation import Aggregation, aggregate, finite
from steprunners.json_types import Json
from steprunners.references.quoting import label_literal

NAME_LABEL = "__name__"


@dataclass(frozen=True)
class Series:
    """`samples` are (ms since the epoch, finite value) in time order; `expected` is how many there could be."""

    labels: dict[str, str]
    samples: list[tuple[int, float]]
    expected: int
    dropped: int = 0

    @property
    def identity(self) -> frozenset[tuple[str, str]]:
        """The identity of the series in every window: all its labels, with the name of the metric."""
        return frozenset(self.labels.items())

    @property
    def values(self) -> list[float]:
        """The samples without their times."""
        return [value for _, value in self.samples]

    @property
    def coverage(self) -> float:
        """The share of the expected samples that exist, from 0 to 1."""
        return round(min(1.0, len(self.samples) / max(1, self.expected)), 4)

    def to_json(self, aggregation: Aggregation) -> dict[str, Json]:
        """Return the series for the result."""
        values = self.values
        return {
            "metric": self.metric,
            "labels": self.shown_labels,
            "values": [{"timestamp": at, "value": value} for at, value in self.samples],
            "aggregatedValue": finite(aggregate(aggregation, values)),
            "min": min(values, default=None),
            "max": max(values, default=None),
            "count": len(values),
            "coverage": self.coverage,
        }

    @property
    def metric(self) -> str:
        """The metric's name; empty where the query's result has none."""
        return self.labels.get(NAME_LABEL, "")

    @property
    def shown_labels(self) -> dict[str, Json]:
        """The labels without the metric's name."""
        return {name: value for name, value in self.labels.items() if name != NAME_LABEL}

    def name(self) -> str:
        """Return the series as PromQL writes it."""
        inner = ", ".join(f"{name}={label_literal(value)}" for name, value in self.shown_labels.items())
        return f"{self.metric}{{{inner}}}" if inner or not self.metric else self.metric
