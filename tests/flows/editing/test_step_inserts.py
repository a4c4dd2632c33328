"""New steps behind the one at the line, under free names; and steps alone."""

from __future__ import annotations

from typing import Any

from flows.documents.parsing import parse_body
from flows.editing.step_inserts import alone, insert_step
from steprunners.registry import runners
from tests.flows.pages.test_step_form import TEXT


def names(text: str) -> list[Any]:
    document: Any = parse_body(text.encode(), "application/yaml")
    return [each["name"] for each in document["steps"]]


def test_a_step_stands_behind_that_of_the_line() -> None:
    delay = runners()["delay"]
    for line, at in ((1, 3), (3, 1), (7, 2), (14, 3)):
        text, new_line = insert_step(TEXT, delay, line, None)
        assert names(text)[at] == "settle"
        assert text.split("\n")[new_line - 1] == "  - name: settle"


def test_a_step_stands_inside_a_branch_where_the_line_is() -> None:
    text, line = insert_step(TEXT, runners()["delay"], 13, None)
    document: Any = parse_body(text.encode(), "application/yaml")
    inner = document["steps"][1]["meta"]["branches"][0]["steps"]
    assert [each["name"] for each in inner] == ["inner", "settle"]
    assert "settle" in text.split("\n")[line - 1]


def test_names_are_free_those_of_inline_steps_too() -> None:
    text, _ = insert_step("variables: [{name: settle}]\nsteps: []\n", runners()["condition"], 1, None)
    document: Any = parse_body(text.encode(), "application/yaml")
    (branch,) = document["steps"][0]["meta"]["branches"]
    assert branch["steps"][0]["name"] == "settle_2"
    assert runners()["condition"].example["meta"]["branches"][0]["steps"][0]["name"] == "settle"


def test_the_resource_of_the_team_is_put_in() -> None:
    text, _ = insert_step("name: x\n", runners()["redis"], 1, "cache")
    assert "resourceId: cache" in text


def test_a_step_alone_takes_what_it_refers_to_from_the_user() -> None:
    text = """\
name: Flow
steps:
  - {name: a, stepType: delay, extract: {x: p, y: p, z: p}}
  - {name: b, stepType: delay, extract: {x: p}}
  - {name: c, stepType: delay, disabled: true, meta: {delayMs: "${x}"}, when: {left: "${y:-1}", operator: exists}}
"""
    found = alone(text, 5)
    assert found is not None
    name, document = found
    variables: Any = document["variables"]
    assert (name, document["name"]) == ("c", "Flow: c")
    assert [(each["name"], each["description"]) for each in variables] == [
        ("x", "What a would extract"),
        ("y", "What a would extract"),
    ]
    assert alone(text, 1) is None
