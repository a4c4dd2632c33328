"""JUnit XML for CI servers: one suite for each execution, one test case for each step.

The format is Jenkins' junit-10.xsd, which other servers read too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring  # nosec B405  # written, never read

from executions.models import Execution, ExecutionStep
from executions.states import STEP_BAD, ExecutionStatus, StepStatus

#: Characters that XML 1.0 cannot hold, not even escaped (section 2.2).
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST_TEXT = 10_000
#: Tags of Jenkins' schema, one for every status that is not a success.
_OUTCOMES = {StepStatus.FAILED: "failure", StepStatus.ERROR: "error"}


def junit_xml(runs: Iterable[tuple[Execution, list[ExecutionStep]]], *, name: str) -> bytes:
    """Return the report of the executions; `name` is the name of the whole report.

    A run that failed without a failed step (cancelled, worker lost) gets a test case `(execution)` with an error, so
    that no CI server takes it for a success.
    """
    root = Element("testsuites", name=legal(name))
    suites = [_suite(root, execution, steps) for execution, steps in runs]
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    root.set("time", _seconds(sum(round(float(suite.get("time", "0")) * 1000) for suite in suites)))
    report: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return report


def legal(text: str) -> str:
    """Return the text with visible escapes for the characters that XML cannot hold."""
    return _ILLEGAL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _suite(root: Element, execution: Execution, steps: list[ExecutionStep]) -> Element:
    suite = SubElement(root, "testsuite", name=legal(execution.flow_name), id=str(execution.id))
    started = execution.started_at or execution.created_at
    suite.set("timestamp", started.strftime("%Y-%m-%dT%H:%M:%S"))
    suite.set("time", _seconds(execution.duration_ms))
    _properties(suite, execution)
    cases = [_case(suite, execution, step) for step in steps]
    if _failed_without_a_step(execution, steps):
        cases.append(_case_of_the_execution(suite, execution))
    suite.set("tests", str(len(cases)))
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(tag) is not None for case in cases)))
    return suite


def _properties(suite: Element, execution: Execution) -> None:
    properties = SubElement(suite, "properties")
    values = {"status": execution.status, "source": execution.source, "flowVersion": execution.flow_version}
    for name, value in values.items():
        if value is not None:
            SubElement(properties, "property", name=name, value=str(value))


def _case(suite: Element, execution: Execution, step: ExecutionStep) -> Element:
    case = SubElement(suite, "testcase", name=legal(step.name), classname=legal(execution.flow_name))
    case.set("time", _seconds(step.duration_ms))
    tag = _OUTCOMES.get(StepStatus(step.status))
    if tag is not None:
        _add_outcome(
            case, tag, _first_line(step), str((step.error or {}).get("code") or step.status), _failures(step)
        )
    elif step.status != StepStatus.SUCCESS:
        SubElement(case, "skipped", message=str(step.status).lower())
    if step.attempts > 1:
        outcome = "passed" if step.status == StepStatus.SUCCESS else "ended"
        SubElement(case, "system-out").text = f"{outcome} on attempt {step.attempts}"
    return case


def _case_of_the_execution(suite: Element, execution: Execution) -> Element:
    case = SubElement(
        suite, "testcase", name="(execution)", classname=legal(execution.flow_name), time="0.000"
    )
    error: dict[str, Any] = execution.error or {}
    message = str(error.get("message") or f"The execution ended {execution.status}")
    _add_outcome(case, "error", message, str(error.get("code") or execution.status), message)
    return case


def _add_outcome(case: Element, tag: str, message: str, kind: str, text: str) -> None:
    outcome = SubElement(case, tag, message=legal(message[:_LONGEST_TEXT]), type=legal(kind))
    outcome.text = legal(text[:_LONGEST_TEXT])


def _first_line(step: ExecutionStep) -> str:
    return _failures(step).split("\n", 1)[0]


def _failures(step: ExecutionStep) -> str:
    """Return the messages of the failed assertions and of the error, one line each."""
    assertions: list[dict[str, Any]] = step.assertions or []
    lines = [_told(each) for each in assertions if not each.get("passed")]
    message = (step.error or {}).get("message")
    return "\n".join(dict.fromkeys([*lines, *([str(message)] if message else [])])) or str(step.status)


def _told(outcome: dict[str, Any]) -> str:
    told = str(outcome.get("message") or outcome.get("field"))
    return f"{told} (asked for by the step type)" if outcome.get("implied") else told


def _failed_without_a_step(execution: Execution, steps: list[ExecutionStep]) -> bool:
    wrong = execution.status in (ExecutionStatus.FAILED, ExecutionStatus.CANCELLED)
    return wrong and not any(step.status in STEP_BAD for step in steps)


def _seconds(duration_ms: int | None) -> str:
    return f"{(duration_ms or 0) / 1000:.3f}"
