"""Tests of `telemetry.tracing` and `telemetry.spans`."""

from __future__ import annotations

import builtins
import logging
import threading
import uuid
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from telemetry import spans, tracing
from telemetry.tracing import Done, Place
from tests.traced import Exported

RUN = uuid.UUID("01a20420-8d7b-7765-9b94-ed9506c08be1")
BEGAN = datetime(2026, 11, 22, 12, tzinfo=UTC)
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def done(name: str = "step http", **more: Any) -> Done:
    return Done(name, BEGAN, BEGAN + timedelta(milliseconds=250), **more)


def test_without_an_endpoint_there_is_nothing() -> None:
    tracing.start("", "web")
    assert tracing.headers_of(Place(RUN, 0)) == {}
    tracing.ended(Place(RUN), lambda: pytest.fail("asked for what nobody hears"))
    tracing.asked_for(Place(RUN))
    with tracing.request("GET", {"traceparent": CALLER}) as answered:
        answered("home", 200)


def test_without_its_packages_that_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    usual = builtins.__import__

    def without(name: str, globals_: Any = None, locals_: Any = None, names: Any = (), level: int = 0) -> Any:
        if name == "telemetry" and "spans" in (names or ()):
            raise ModuleNotFoundError("No module named 'opentelemetry'")
        return usual(name, globals_, locals_, names, level)

    monkeypatch.setattr(builtins, "__import__", without)
    tracing.start("http://127.0.0.1:1", "web")
    assert tracing.headers_of(Place(RUN, 0)) == {}
    assert "No module named 'opentelemetry'" in caplog.text


def test_a_run_is_a_trace_whoever_ends_its_parts(exported: Exported) -> None:
    sent = tracing.headers_of(Place(RUN, 3))["traceparent"]
    tracing.ended(Place(RUN, 3), lambda: done(attributes={"asynctester.step.name": "pay"}, failure="timeout"))
    tracing.ended(Place(RUN), lambda: done("run"))
    step, run = exported()
    assert step.context is not None
    assert run.context is not None
    assert step.parent is not None
    assert sent == f"00-{step.context.trace_id:032x}-{step.context.span_id:016x}-01", (
        "known before it was made"
    )
    assert step.context.trace_id == run.context.trace_id
    assert (step.parent.span_id, run.parent) == (run.context.span_id, None)
    assert (step.name, step.status.status_code, step.status.description) == (
        "step http",
        StatusCode.ERROR,
        "timeout",
    )
    assert step.attributes is not None
    assert step.attributes["asynctester.step.name"] == "pay"
    assert step.attributes["asynctester.execution.id"] == str(RUN)
    assert step.start_time == BEGAN.timestamp() * 1_000_000_000
    assert step.end_time is not None
    assert step.end_time - step.start_time == 250_000_000
    assert run.status.status_code == StatusCode.UNSET
    assert run.resource.attributes["service.name"] == "async-testing-service"


def test_a_child_is_linked_to_the_step_that_runs_it(exported: Exported) -> None:
    parent = Place(uuid.uuid4(), 2)
    tracing.ended(Place(RUN), lambda: done("run", cause=parent))
    [link] = exported()[0].links
    assert (link.context.trace_id, link.context.span_id) == (parent.trace_id, parent.span_id)


def test_a_request_belongs_to_its_caller_and_knows_its_run(
    exported: Exported,
) -> None:
    with tracing.request("POST", {"Traceparent": CALLER}) as answered:
        tracing.asked_for(Place(RUN))
        answered("api/v1/flows/run", 503)
    [span] = exported()
    assert span.name == "POST api/v1/flows/run"
    assert span.parent is not None
    assert f"{span.parent.trace_id:032x}" in CALLER
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 503
    assert span.status.status_code == StatusCode.ERROR
    assert [link.context.trace_id for link in span.links] == [Place(RUN).trace_id]


def test_a_header_that_is_none_begins_a_trace(exported: Exported) -> None:
    with tracing.request("GET", {"traceparent": "00-zz-1"}) as answered:
        answered("home", 200)
    assert exported()[0].parent is None


@pytest.mark.parametrize(("sampler", "kept"), [("always_off", 0), ("parentbased_traceidratio", 2)])
def test_a_run_is_kept_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch, sampler: str, kept: int) -> None:
    """Half of the traces, by the standard's own sampler: parts and what is sent along agree on which."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    exporter = InMemorySpanExporter()
    traces = spans.Traces(SimpleSpanProcessor(exporter), "test")
    counts = set()
    for number in range(40):
        run, step = Place(f"run {number}"), Place(f"run {number}", 0)
        exporter.clear()
        traces.end(step, done())
        traces.end(run, done("run"))
        found = len(exporter.get_finished_spans())
        assert traces.headers_of(step)["traceparent"].endswith("-01" if found else "-00")
        counts.add(found)
    assert counts == {0, kept}


def test_what_goes_wrong_with_a_span_fails_nothing(
    exported: Exported, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Done:
        raise RuntimeError("no")

    with caplog.at_level(logging.ERROR):
        tracing.ended(Place(RUN), broken)
    assert exported() == []
    assert "was not made" in caplog.text


def test_spans_arrive_at_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[tuple[str, ExportTraceServiceRequest]] = []
    arrived = threading.Event()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()
            arrived.set()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        tracing.start("as the environment says", "worker")
        try:
            tracing.ended(Place(RUN), lambda: done("run"))
            assert arrived.wait(30)
        finally:
            tracing.use(None)
            server.shutdown()
    path, request = received[0]
    assert path == "/v1/traces"
    [resource] = request.resource_spans
    attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert attributes["asynctester.process"] == "worker"
    assert resource.scope_spans[0].spans[0].trace_id == Place(RUN).trace_id.to_bytes(16, "big")
