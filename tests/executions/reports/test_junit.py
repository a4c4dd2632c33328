"""JUnit XML: counts, messages, and whatever text the tested systems send."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Team
from executions.models import Execution, ExecutionStep
from executions.reports.junit import junit_xml, legal
from executions.states import ExecutionStatus, StepStatus
from tests.executions.rows import START

#: junit-10.xsd: what a test case may hold.
OUTCOMES = {"skipped", "error", "failure", "system-out", "system-err"}


def report(*steps: dict[str, Any], **fields: Any) -> ET.Element:
    fields = {"status": ExecutionStatus.COMPLETED, "flow_name": "Order", "duration_ms": 1_234, **fields}
    execution = Execution(team=Team(), created_at=START, started_at=START, **fields)
    rows = [ExecutionStep(execution=execution, position=0, **{"name": "a", **step}) for step in steps]
    return ET.fromstring(junit_xml([(execution, rows)], name="All"))  # noqa: S314  # our own


def cases(root: ET.Element) -> list[ET.Element]:
    return root.findall("testsuite/testcase")


def test_one_case_a_step_with_counts_and_times() -> None:
    root = report(
        {"name": "good", "status": "SUCCESS", "duration_ms": 1_500},
        {"name": "bad", "status": "FAILED"},
        {"name": "broken", "status": "ERROR"},
        {"name": "left", "status": "SKIPPED"},
        {"name": "stopped", "status": "CANCELLED"},
        status=ExecutionStatus.FAILED,
    )
    suite = root[0]
    counts = {
        name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time", "timestamp")
    }
    assert counts == {
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
        "time": "1.234",
        "timestamp": "2026-11-22T12:00:00",
    }
    assert [case.get("name") for case in cases(root)] == ["good", "bad", "broken", "left", "stopped"]
    assert cases(root)[0].get("time") == "1.500"
    assert {case.get("classname") for case in cases(root)} == {"Order"}
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("5", "1", "1")


def test_failure_tells_the_assertions_that_failed() -> None:
    root = report(
        {
            "status": "FAILED",
            "assertions": [
                {"field": "status", "passed": True, "message": "fine"},
                {"field": "body.id", "passed": False, "message": "body.id: expected 1, got 2"},
            ],
            "error": {"code": "assertion", "message": "1 of 2 assertions failed"},
        }
    )
    [failure] = cases(root)[0]
    assert failure.get("message") == "body.id: expected 1, got 2"
    assert failure.get("type") == "assertion"
    assert failure.text == "body.id: expected 1, got 2\n1 of 2 assertions failed"


def test_it_says_what_the_step_type_asked_for() -> None:
    outcomes = [
        {"field": "body.id", "passed": False, "message": "body.id is 2, expected 1", "implied": False},
        {"field": "status", "passed": False, "message": "status is 500, expected 200", "implied": True},
    ]
    [failure] = cases(report({"status": "FAILED", "assertions": outcomes}))[0]
    assert (
        failure.text == "body.id is 2, expected 1\nstatus is 500, expected 200 (asked for by the step type)"
    )


def test_attempts_are_counted_in_the_report() -> None:
    [case] = cases(report({"status": "SUCCESS", "attempts": 4}))
    assert case.findtext("system-out") == "passed on attempt 4"


@pytest.mark.parametrize("status", [ExecutionStatus.CANCELLED, ExecutionStatus.FAILED])
def test_a_failed_run_without_a_failed_step_is_an_error(status: ExecutionStatus) -> None:
    root = report({"status": "CANCELLED"}, status=status, error={"code": "x", "message": "why"})
    assert root.get("errors") == "1"
    assert cases(root)[-1].get("name") == "(execution)"
    assert report({"status": "SUCCESS"}).get("errors") == "0"


@given(st.text(), st.sampled_from(list(StepStatus)))
def test_any_text_is_well_formed(text: str, status: StepStatus) -> None:
    assertions: Any = [{"passed": False, "message": text}]
    error: Any = {"code": text, "message": text}
    root = report({"status": status, "name": text, "assertions": assertions, "error": error}, flow_name=text)
    for case in cases(root):
        assert {child.tag for child in case} <= OUTCOMES


def test_what_xml_cannot_hold_stays_visible() -> None:
    assert legal("a\x00b\x1b[31m\ud800\ufffe é\n") == "a\\x00b\\x1b[31m\\ud800\\ufffe é\n"
