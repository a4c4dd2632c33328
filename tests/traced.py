"""What the service has traced of itself, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry import spans, tracing

Exported = Callable[[], list[ReadableSpan]]


@pytest.fixture
def exported() -> Iterator[Exported]:
    """Make traces; what it gives returns those that were exported so far."""
    exporter = InMemorySpanExporter()
    tracing.use(spans.Traces(SimpleSpanProcessor(exporter), "test"))
    yield lambda: list(exporter.get_finished_spans())
    tracing.use(None)
