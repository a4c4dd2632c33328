"""Executions and steps are counted, traced, and logged without secrets."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from accounts.models import Team
from executions.engine.cancel import cancel_execution
from steprunners.kinds.delay import DelayRunner
from telemetry import tracing
from telemetry.logs import JsonFormatter
from tests.counted import counted
from tests.executions.driving import begin, delay, drive, statuses
from tests.steprunners.target import Target
from tests.traced import Exported


def delays_ended(status: str) -> float:
    return counted("steps_ended_total", step_type="delay", status=status)


def executions_ended(status: str) -> float:
    return counted("executions_ended_total", status=status, source="API")


def test_each_step_and_run_is_counted_once(driven: None, team: Team) -> None:
    before = {status: delays_ended(status) for status in ("SUCCESS", "FAILED", "SKIPPED")}
    runs_before = executions_ended("FAILED")
    wrong = [{"field": "delayedMs", "operator": "equals", "expectedValue": -1}]
    execution = drive(begin(team, [delay("a"), delay("b", assertions=wrong), delay("c"), delay("d")]))
    assert set(statuses(execution).values()) == {"SUCCESS", "FAILED", "SKIPPED"}
    now = {status: delays_ended(status) - count for status, count in before.items()}
    assert now == {"SUCCESS": 1, "FAILED": 1, "SKIPPED": 2}
    assert executions_ended("FAILED") == runs_before + 1


def test_what_is_cancelled_before_it_began_is_counted(driven: None, team: Team) -> None:
    steps_before, runs_before = delays_ended("CANCELLED"), executions_ended("CANCELLED")
    cancel_execution(begin(team, [delay("a"), delay("b")]))
    assert delays_ended("CANCELLED") == steps_before + 2
    assert executions_ended("CANCELLED") == runs_before + 1


def test_a_run_is_a_trace_that_the_target_is_told(driven: None, team: Team, exported: Exported) -> None:
    with Target() as target:
        url = target.route("/orders", lambda exchange: exchange.reply_json({}))
        own = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
        steps = [
            {"name": "ask", "stepType": "http", "meta": {"url": url}},
            {"name": "with_own", "stepType": "http", "meta": {"url": url, "headers": own}},
            {"name": "fail", "stepType": "http", "meta": {"url": url, "expectedStatus": 404}},
            delay("skipped"),
        ]
        execution = drive(begin(team, steps))
        sent = [exchange.headers["traceparent"] for exchange in target.received]
    found = {
        str((span.attributes or {}).get("asynctester.step.name", span.name)): span for span in exported()
    }
    assert set(found) == {"ask", "with_own", "fail", "run"}
    contexts = {name: span.context for name, span in found.items() if span.context is not None}
    assert {context.trace_id for context in contexts.values()} == {tracing.Place(execution.pk).trace_id}
    told = [f"00-{contexts[name].trace_id:032x}-{contexts[name].span_id:016x}-01" for name in ("ask", "fail")]
    assert sent == [told[0], own["traceparent"], told[1]]
    assert found["fail"].status.description == "assertion_failed"
    assert (found["run"].attributes or {})["asynctester.status"] == "FAILED"


def test_off_nothing_is_sent_along(driven: None, team: Team) -> None:
    with Target() as target:
        url = target.route("/orders", lambda exchange: exchange.reply_json({}))
        drive(begin(team, [{"name": "ask", "stepType": "http", "meta": {"url": url}}]))
        assert ["traceparent" in exchange.headers for exchange in target.received] == [False]


def test_log_lines_know_their_step_and_no_secret(
    driven: None, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_self: Any, _config: Any, _context: Any) -> Any:
        raise RuntimeError("the driver says: no such user, password=correct-horse-battery")

    monkeypatch.setattr(DelayRunner, "run", run)
    secret = {"name": "password", "type": "string", "secret": True, "defaultValue": "correct-horse-battery"}
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logging.getLogger("steprunners").addHandler(handler)
    try:
        execution = drive(begin(team, [delay("a")], declared=[secret]))
    finally:
        logging.getLogger("steprunners").removeHandler(handler)
    [line] = [json.loads(each) for each in stream.getvalue().splitlines()]
    assert line["message"] == "step type delay failed unexpectedly"
    assert (line["step"], line["organisationId"]) == ("a", str(team.organisation_id))
    assert "Traceback" in line["exception"]
    assert "password=••••••" in line["exception"]
    assert "correct-horse" not in stream.getvalue()
    assert execution.status == "FAILED"
