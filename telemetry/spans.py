"""Spans, made with OpenTelemetry's SDK: imported only where traces are made (`telemetry.tracing`)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from telemetry.span_data import Answered, Done, Place

SERVICE = "async-testing-service"
_W3C = TraceContextTextMapPropagator()


def exporting(kind: str) -> Traces:
    """Return traces that are sent in batches over OTLP/HTTP, as the OTEL_… variables say; `kind` is web or worker."""
    return Traces(BatchSpanProcessor(OTLPSpanExporter()), kind)


class Traces:
    """Makes spans and passes them to `processor`."""

    def __init__(self, processor: SpanProcessor, kind: str) -> None:
        self._ids = _GivenIds()
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over these; OTEL_TRACES_SAMPLER decides what is kept.
        resource = Resource({"service.name": SERVICE, "asynctester.process": kind}).merge(_of_environment())
        self._provider = TracerProvider(id_generator=self._ids, resource=resource)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(SERVICE)

    def headers_of(self, place: Place) -> dict[str, str]:
        """Return the `traceparent` of a span that is made later, when the step has ended."""
        headers: dict[str, str] = {}
        _W3C.inject(headers, trace.set_span_in_context(NonRecordingSpan(self._context(place)), Context()))
        return headers

    def end(self, place: Place, done: Done) -> None:
        """Make the span of what has ended."""
        around = Context()
        if place.position is not None:
            run = NonRecordingSpan(self._context(Place(place.execution_id)))
            around = trace.set_span_in_context(run, around)
        with self._ids.given(place):
            span = self._tracer.start_span(
                done.name,
                context=around,
                attributes={"asynctester.execution.id": str(place.execution_id), **done.attributes},
                links=[Link(self._context(done.cause))] if done.cause else None,
                start_time=_nanoseconds(done.began),
            )
        if done.failure is not None:
            span.set_status(Status(StatusCode.ERROR, done.failure))
        span.end(_nanoseconds(done.ended))

    def link(self, run: Place) -> None:
        """Link the request's span to the trace of the run that it started."""
        span = trace.get_current_span()
        span.add_link(self._context(run))
        span.set_attribute("asynctester.execution.id", str(run.execution_id))

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator[Answered]:
        """Make the span of a request, current while the block runs."""
        lower = {name.lower(): value for name, value in headers.items()}
        around = _W3C.extract(lower, Context())
        with self._tracer.start_as_current_span(method, context=around, kind=SpanKind.SERVER) as span:

            def answered(route: str, status: int) -> None:
                span.update_name(f"{method} {route}")
                span.set_attributes(
                    {"http.request.method": method, "http.route": route, "http.response.status_code": status}
                )
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))

            yield answered

    def _context(self, place: Place) -> SpanContext:
        decision = self._provider.sampler.should_sample(None, place.trace_id, "run").decision
        sampled = decision is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        return SpanContext(place.trace_id, place.span_id, is_remote=True, trace_flags=flags)


class _GivenIds(RandomIdGenerator):
    """Random ids, except for spans whose ids are known."""

    def __init__(self) -> None:
        self._local = threading.local()

    @contextmanager
    def given(self, place: Place) -> Iterator[None]:
        """Give the ids of the place to the span that this thread starts inside the block."""
        self._local.place = place
        try:
            yield
        finally:
            self._local.place = None

    def generate_span_id(self) -> int:
        place: Place | None = getattr(self._local, "place", None)
        return super().generate_span_id() if place is None else place.span_id

    def generate_trace_id(self) -> int:
        place: Place | None = getattr(self._local, "place", None)
        return super().generate_trace_id() if place is None else place.trace_id


def _of_environment() -> Resource:
    """Return what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, without the SDK's default service name."""
    made = Resource.create()
    named = {
        name: value for name, value in made.attributes.items() if not str(value).startswith("unknown_service")
    }
    return Resource(named)


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1_000
