"""The form of a step: values to texts, texts to values at their place, for every step type."""

from __future__ import annotations

from typing import Any

import pytest

from flows.documents.parsing import parse_body
from flows.editing.edits import CannotEdit
from flows.editing.step_places import step_at, step_places
from flows.pages.step_form import edited, form_of
from flows.problems import Place
from flows.yaml.text import write_yaml
from steprunners.registry import step_types

TEXT = """\
name: Orders
steps:
  - name: create  # a note
    stepType: http
    meta: {url: "${base_url}/x", headers: {A: "1"}, auth: {type: basic, username: u}}
    retry: {maxRetries: 2}
  - name: choose
    stepType: if
    meta:
      branches:
        - condition: {left: 1, operator: equals, right: 1}
          steps:
            - {name: inner, stepType: delay, meta: {delayMs: "${pause}"}}
  - name: odd
    stepType: nothing
"""


def texts(text: str, line: int) -> dict[str, str]:
    """Return the texts of the form's own fields at the line, by their places below the step."""
    place = step_at(step_places(text), line)
    assert place is not None
    form = form_of(place)
    start = len(place.dotted) + 1
    return {each.place[start:]: each.text for each in [*form.head, *form.meta, *form.around] if each.text}


def edit(text: str, line: int, below: Place, typed: str) -> Any:
    """Return the step at the line after the edit."""
    place = step_at(step_places(text), line)
    assert place is not None
    result: Any = parse_body(edited(text, place, below, typed).encode(), "application/yaml")
    for part in place.place:
        result = result[part]
    return result


@pytest.mark.parametrize("runner", step_types(), ids=lambda runner: runner.type)
def test_every_step_type_has_a_form_that_changes_nothing_by_itself(runner: Any) -> None:
    text = write_yaml({"name": "x", "steps": [runner.example]})
    (place, *_) = step_places(text)
    form = form_of(place)

    assert {each.field.name for each in form.meta} == set(
        runner.config_class.model_json_schema()["properties"]
    )
    for bound in [*form.head, *form.meta, *form.around]:
        for each in [bound, *bound.fields]:
            if each.text and each.field.kind.value not in ("group", "variants"):
                below = tuple(each.place.removeprefix("steps.0.").split("."))
                again = parse_body(edited(text, place, below, each.text).encode(), "application/yaml")
                assert again["steps"] == [runner.example], each.place


def test_texts_are_what_a_person_would_type() -> None:
    shown = texts(TEXT, 3)
    assert shown["meta.url"] == "${base_url}/x"
    assert shown["meta.headers"] == "A: '1'"
    assert shown["meta.auth"] == "basic"
    assert texts(TEXT, 13) == {"name": "inner", "meta.delayMs": "${pause}"}
    assert texts(TEXT, 15) == {"name": "odd"}


@pytest.mark.parametrize(
    ("below", "typed", "value"),
    [
        (("meta", "url"), "5", "5"),
        (("meta", "maxRedirects"), "5", 5),
        (("meta", "maxRedirects"), "${n}", "${n}"),
        (("meta", "maxRedirects"), "many", "many"),
        (("meta", "maxRedirects"), "1.5", "1.5"),
        (("meta", "maxRedirects"), ".inf", ".inf"),
        (("meta", "verifyTls"), "false", False),
        (("meta", "body"), "{a: [1]}", {"a": [1]}),
        (("meta", "body"), "just text", "just text"),
        (("meta", "headers"), "A: '1'\nB: ${x}", {"A": "1", "B": "${x}"}),
        (("meta", "auth"), "bearer", {"type": "bearer"}),
        (("meta", "auth", "password"), "${secret}", "${secret}"),
        (("timeoutMs",), "500", 500),
        (("retry", "jitter"), "true", True),
        (("until", "timeoutMs"), "9", 9),
        (("description",), "a\r\nb", "a\nb"),
    ],
)
def test_what_is_typed_stands_in_the_text(below: Place, typed: str, value: Any) -> None:
    step = edit(TEXT, 3, below, typed)
    for part in below:
        step = step[part]
    assert step == value


def test_bytes_are_typed_into_the_field_for_text() -> None:
    text = "steps:\n  - {name: x, stepType: redis, meta: {operation: get, key: {base64: rO0=}}}\n"
    assert texts(text, 2)["meta.key"] == '{"base64": "rO0="}'
    for typed in ('{"base64": "rO0="}', "{base64: rO0=}"):
        assert edit(text, 2, ("meta", "key"), typed)["meta"]["key"] == {"base64": "rO0="}
    for typed in ("{order}:42", "base64: rO0=", "42"):
        assert edit(text, 2, ("meta", "key"), typed)["meta"]["key"] == typed


def test_an_inner_step_is_edited_where_it_stands() -> None:
    assert edit(TEXT, 13, ("meta", "delayMs"), "7")["meta"] == {"delayMs": 7}


def test_nothing_typed_takes_the_key_away() -> None:
    assert edit(TEXT, 3, ("meta", "headers"), " ")["meta"].keys() == {"url", "auth"}
    assert "retry" not in edit(TEXT, 3, ("retry", "maxRetries"), "")
    assert edit(TEXT, 3, ("retry", "jitter"), "")["retry"] == {"maxRetries": 2}
    assert "auth" not in edit(TEXT, 3, ("meta", "auth"), "")["meta"]
    assert edit(TEXT, 13, ("meta", "delayMs"), "")["meta"] == {}


@pytest.mark.parametrize(
    ("below", "typed", "told"),
    [
        (("meta", "odd"), "x", "no such field"),
        (("meta",), "x", "no such field"),
        (("stepType",), "x", "no such field"),
        (("retry",), "x", "no such field"),
        (("meta", "auth", "token"), "x", "no such field"),
        (("meta", "body"), "[", "not YAML"),
        (("meta", "body"), "a\n---\nb", "one value"),
    ],
)
def test_what_cannot_be_is_told(below: Place, typed: str, told: str) -> None:
    with pytest.raises(CannotEdit, match=told):
        edit(TEXT, 3, below, typed)
