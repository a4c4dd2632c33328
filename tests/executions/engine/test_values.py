"""A decimal of a database stays a number wherever it goes, and text that looks like one stays text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Team, User
from executions.starting.rerun import rerun
from executions.states import Source
from flows.documents.document import check_document
from flows.services import create_flow
from resources.services import save_resource
from steprunners.values.number_text import NumberText
from tests.executions.engine.conftest import Run, finish
from tests.servers.database_fixtures import Database

RunFlow = Callable[..., Run]

pytestmark = pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)

FIND = """
        name: find, stepType: sql, meta: {resourceId: shop-db,
          query: "SELECT total, CONCAT(total, '') AS label, 9007199254740993 AS big FROM orders WHERE id = 1"}
"""


@pytest.fixture(autouse=True)
def shop_database(team: Team, alice: User, database: Database) -> Database:
    """The resource of the flows; order 1 has the total 19.90."""
    config = database.connection.model_dump(by_alias=True, exclude_none=True)
    save_resource(team=team, user=alice, name="shop-db", type="sql", config=config)
    return database


def outcomes(run: Run, step: str) -> dict[str, Any]:
    return {each["message"] or "holds": each["passed"] for each in run[step].assertions}


HOLDS = """[
    {field: "rows[0].total", operator: equals, expectedValue: 19.9},
    {field: "rows[0].total", operator: equals, expectedValue: "19.9000"},
    {field: "rows[0].total", operator: in, expectedValue: [1, "19.9"]},
    {field: "rows[0].total", operator: between, expectedValue: ["9", 100]},
    {field: "rows[0]", operator: equals, expectedValue: {total: "19.9", label: "19.90", big: 9007199254740993}},
    {field: "rows[0]", operator: matchesShape, expectedValue: {total: 19.9, big: "9007199254740993"}},
    {field: "rows", operator: contains, expectedValue: {total: 19.9, label: "19.90", big: 9007199254740993}},
    {field: "$.rows[?@.total < 20].label", operator: equals, expectedValue: "19.90"},
    {field: "rows[0].label", operator: notEquals, expectedValue: 19.9}]"""
FAILS = """[
    {field: "rows[0].total", operator: notEquals, expectedValue: "19.9000"},
    {field: "rows[0].total", operator: notIn, expectedValue: [19.9]},
    {field: "rows[0].big", operator: equals, expectedValue: 9007199254740992},
    {field: "rows[0].label", operator: equals, expectedValue: 19.9},
    {field: "rows[0].label", operator: gt, expectedValue: 1},
    {field: "rows[0]", operator: matchesShape, expectedValue: {label: 19.9}}]"""


def test_assertions_on_rows(run: RunFlow) -> None:
    done = run(f"""
        steps:
          - {{{FIND}, assertions: {HOLDS}}}
          - {{{FIND.replace("find", "again")}, assertions: {FAILS}}}
    """)
    assert outcomes(done, "find") == {"holds": True}
    assert not any(outcome["passed"] for outcome in done["again"].assertions)
    told = done["again"].assertions[3]["message"]
    assert told == 'rows[0].label is "19.90" (text), expected 19.9 (number)'


TRAVELS = f"""
        steps:
          - {{{FIND}, extract: {{total: "rows[0].total", label: "rows[0].label", row: "rows[0]"}}}}
          - {{name: extracted, stepType: delay, meta: {{delayMs: 1}},
              when: {{left: "${{total}}", operator: "==", right: "19.9000"}}}}
          - {{name: inside, stepType: delay, meta: {{delayMs: 1}},
              when: {{left: "${{row.total}}", operator: in, right: [19.9]}}}}
          - {{name: referenced, stepType: delay, meta: {{delayMs: 1}},
              when: {{left: "${{find.rows[0].total}}", operator: lt, right: 20}}}}
          - {{name: text, stepType: delay, meta: {{delayMs: 1}},
              when: {{left: "${{label}}", operator: "==", right: 19.9}}}}
          - {{name: expected, stepType: sql, meta: {{resourceId: shop-db, query: "SELECT 19.9000 AS total"}},
              assertions: [{{field: "rows[0].total", operator: equals, expectedValue: "${{total}}"}}]}}
          - {{name: chosen, stepType: condition, meta: {{branches: [
              {{condition: {{left: "${{total}}", operator: ">", right: 100}}, steps: []}},
              {{condition: {{left: "${{total}}", operator: "==", right: 19.9}}, steps: []}}]}},
              assertions: [{{field: matchedBranch, operator: equals, expectedValue: 1}}]}}
          - {{name: each, stepType: condition, forEach: "${{find.rows}}", meta: {{branches: [
              {{condition: {{left: "${{item.total}}", operator: "==", right: "19.9000"}}, flowId: "FLOW"}}]}}}}
          - {{name: child, stepType: flow, meta: {{flowId: "FLOW", variables: {{price: "${{total}}"}}}}}}
"""
CHILD: Any = {
    "name": "Child",
    "variables": [{"name": "price", "type": "string", "defaultValue": "x"}],
    "steps": [
        {"name": "pause", "stepType": "delay", "meta": {"delayMs": 1},
         "when": {"left": "${price}", "operator": "==", "right": 19.9}},
    ],
}  # fmt: skip


def test_the_number_survives_storage_children_and_a_rerun(run: RunFlow, team: Team, alice: User) -> None:
    flow = create_flow(team=team, user=alice, document=check_document(CHILD))
    done = run(TRAVELS.replace("FLOW", str(flow.pk)))
    expected = dict.fromkeys(done.steps, "SUCCESS") | {"text": "SKIPPED"}
    assert done.statuses == expected
    assert type(done["find"].response["rows"][0]["total"]) is NumberText
    assert type(done["find"].response["rows"][0]["label"]) is str
    child = done.execution.children.get(parent_position=done["child"].position)
    assert [step.status for step in child.steps.all()] == ["SUCCESS"]
    again = finish(rerun(execution=done.execution, user=alice, source=Source.API, from_step="extracted"))
    assert again["find"].reused
    assert again.statuses == expected


def test_references_in_paths_are_names_and_literals(run: RunFlow) -> None:
    done = run("""
        variables:
          - {name: id, type: string, defaultValue: "A' || @.qty == 2"}
          - {name: key, type: string, defaultValue: "a.b['c']"}
        steps:
          - name: post
            stepType: http
            meta: {method: POST, url: "${base_url}/status?code=404", expectedStatus: 200}
            continueOnFailure: true
            assertions:
              - {field: "$.body.query[?@ == '${id}']", operator: notExists}
              - {field: "body.query['${key}']", operator: notExists}
              - {field: "body.${key}", operator: notExists}
    """)
    assert [(each["implied"], each["passed"]) for each in done["post"].assertions] == [
        (False, True), (False, True), (False, True), (True, False),
    ]  # fmt: skip
    assert done["post"].assertions[0]["field"] == r"$.body.query[?@ == 'A\' || @.qty == 2']"
