"""The scripts' own logic, called in the browser: applying updates, values of variables, colours, durations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from executions.templatetags.runs import duration


def call(page: Page, module: str, code: str, argument: Any = None) -> Any:
    """Import `static/js/<module>` as `module` and evaluate `code` with `argument`."""
    script = f"async (argument) => {{ const module = await import('/static/js/{module}'); return ({code}); }}"
    return page.evaluate(script, argument)


RUN = {
    "execution": {
        "id": "e",
        "status": "IN_PROGRESS",
        "sequence": 3,
        "startedAt": 1,
        "createdAt": 0,
        "completedAt": None,
    },
    "steps": [
        {"id": "a", "name": "a", "position": 0, "group": None, "branch": None, "status": "IN_PROGRESS"},
        {"id": "b", "name": "b", "position": 1, "group": 0, "branch": 0, "status": "PENDING"},
    ],
    "activity": {"ticks": {}, "children": []},
}


def applied(page: Page, *messages: dict[str, Any]) -> dict[str, Any]:
    code = """(() => {
      const state = new module.RunState(argument.run);
      const outcomes = argument.messages.map((message) => state.apply(message));
      return { outcomes, execution: state.execution, steps: state.ordered };
    })()"""
    result: dict[str, Any] = call(page, "run/state.js", code, {"run": RUN, "messages": messages})
    return result


def update(sequence: int, **step: Any) -> dict[str, Any]:
    return {
        "updateType": "STEP_UPDATE",
        "sequence": sequence,
        "executionStatus": "IN_PROGRESS",
        "stepUpdate": step,
    }


def test_updates_replace_steps_in_order(signed_in_page: Page) -> None:
    old, first = update(3, id="a", status="FAILED"), update(4, id="a", status="SUCCESS")
    result = applied(signed_in_page, old, first, update(6, id="b", status="SUCCESS"))
    assert result["outcomes"] == ["ignored", "applied", "gap"]
    assert [step["status"] for step in result["steps"]] == ["SUCCESS", "PENDING"]
    assert result["execution"]["sequence"] == 4


def test_a_snapshot_replaces_what_the_page_knew_but_for_its_shape(signed_in_page: Page) -> None:
    steps = [{"id": "b", "name": "b", "position": 1, "status": "SKIPPED"}]
    snapshot = {
        "updateType": "SNAPSHOT",
        "sequence": 9,
        "execution": {"status": "COMPLETED", "completedAt": 5, "sequence": 9, "steps": steps},
    }
    result = applied(signed_in_page, snapshot, {**snapshot, "sequence": 8})
    assert result["outcomes"] == ["applied", "ignored"]
    assert result["execution"]["status"] == "COMPLETED"
    assert [(step["status"], step["group"]) for step in result["steps"]] == [
        ("IN_PROGRESS", None),
        ("SKIPPED", 0),
    ]


def test_why_a_step_failed_is_known_without_its_results(signed_in_page: Page) -> None:
    runs = {
        "error": {"message": "pay: status equals 201", "step": "pay"},
        "steps": [{"name": "pay"}, {"name": "b"}],
    }
    code = "argument.steps.map((step) => module.why(step, argument.error))"
    assert call(signed_in_page, "run/state.js", code, runs) == [
        "status equals 201",
        "The step gives no further details.",
    ]


def test_an_outcome_says_that_the_step_type_asked_for_it(signed_in_page: Page) -> None:
    outcome = {
        "field": "status",
        "operator": "equals",
        "expectedValue": 200,
        "actualValue": 200,
        "passed": True,
    }
    outcomes = [{**outcome, "implied": False}, {**outcome, "implied": True}, outcome]
    code = (
        "[...module.assertionTable(argument).children].map((line) => line.textContent.includes('step type'))"
    )
    assert call(signed_in_page, "run/assertions.js", code, outcomes) == [False, True, False]


def test_rows_nest_and_have_sections(signed_in_page: Page) -> None:
    steps = [
        {"name": "if", "position": 0, "group": None},
        {"name": "inside", "position": 1, "group": 0},
        {"name": "beside", "position": 2, "group": None, "background": True},
    ]
    code = "module.rowsOf(argument).map((row) => row.head ?? [row.step.name, row.depth])"
    assert call(signed_in_page, "run/timeline.js", code, steps) == [
        "Steps",
        ["if", 0],
        ["inside", 1],
        "In the background",
        ["beside", 0],
    ]


@pytest.mark.parametrize(
    ("kind", "typed", "text"),
    [
        ("integer", "12345678901234567890", "12345678901234567890"),
        ("integer", "1.5", '"1.5"'),
        ("double", "1.50", "1.50"),
        ("double", "0.12345678901234567890", "0.12345678901234567890"),
        ("double", "+.5", "0.5"),
        ("double", "x", '"x"'),
        ("boolean", "true", "true"),
        ("json", '{"a": 12345678901234567890}', '{"a": 12345678901234567890}'),
        ("json", "{", '"{"'),
        ("string", ' "quoted" ', '" \\"quoted\\" "'),
        ("date", "2026-01-31", '"2026-01-31"'),
    ],
)
def test_a_typed_value_keeps_its_type(signed_in_page: Page, kind: str, typed: str, text: str) -> None:
    code = "module.valueText(argument[0], argument[1])"
    assert call(signed_in_page, "flow/run-dialog.js", code, [kind, typed]) == text


def test_names_are_those_above_the_cursor(signed_in_page: Page) -> None:
    text = """\
name: Flow
variables:
  - {name: base, type: string}
steps:
  # a name: comment
  - name: one  # not a name: either
    extract: {id: body.id, other: {path: x}}
  - name: two
    extract:
      deep: body.x
    stepType: http
  - name: three
    meta: {url: "${"""
    code = "module.namesAbove(argument).filter((one) => !['given', 'function'].includes(one.kind))"
    found = [(one["text"], one["kind"]) for one in call(signed_in_page, "flow/names.js", code, text)]
    assert found == [
        ("id", "extracted"),
        ("other", "extracted"),
        ("deep", "extracted"),
        ("base", "variable"),
        ("two", "step"),
        ("one", "step"),
    ]


def test_durations_read_as_on_the_server(signed_in_page: Page) -> None:
    values = [0, 1, 999, 1_000, 9_990, 10_000, 59_900, 60_000, 185_000, 3_600_000, 7_800_000]
    shown = call(signed_in_page, "time.js", "argument.map((value) => module.duration(value))", values)
    assert shown == [duration(value) for value in values]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=80), min_size=1, max_size=20
    )
)
def test_colours_never_change_the_text(signed_in_page: Page, lines: list[str]) -> None:
    code = "argument.map((line) => module.paintLine(line).map((part) => part.textContent ?? part).join(''))"
    assert call(signed_in_page, "flow/yaml-colours.js", code, lines) == lines
