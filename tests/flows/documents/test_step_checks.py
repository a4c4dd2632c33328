"""What can be wrong inside a step."""

from __future__ import annotations

from typing import Any

import pytest

from flows.documents.document import check_document
from tests.flows.documents.test_document import message_of, problems_of
from tests.flows.sample_documents import choose, flow, get, wait

HOLDS = {"field": "status", "operator": "equals", "expectedValue": 200}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"name": "a"}, [("steps.0.stepType", "missing")]),
        ({"name": "a", "stepType": 5}, [("steps.0.stepType", "string_type")]),
        ({"name": "a", "stepType": "delay"}, [("steps.0.meta.delayMs", "missing")]),
        (wait(meta=[]), [("steps.0.meta", "dict_type")]),
        (
            wait(meta={"delayMs": -1, "x": 1}),
            [("steps.0.meta.delayMs", "greater_than_equal"), ("steps.0.meta.x", "extra_forbidden")],
        ),
        (wait(timeoutMs=5), [("steps.0.timeoutMs", "not_allowed")]),
        (get(timeoutMs="5"), [("steps.0.timeoutMs", "int_type")]),
        (get(timeoutMs=0), [("steps.0.timeoutMs", "greater_than_equal")]),
        (get(timeoutMs=True), [("steps.0.timeoutMs", "int_type")]),
        (get(disabled="yes"), [("steps.0.disabled", "bool_type")]),
        (get(timeout_ms=5), [("steps.0.timeout_ms", "extra_forbidden")]),
        (get(until={}), [("steps.0.until", "not_allowed")]),
        (get(runInBackground=True, alwaysRun=True), [("steps.0", "value_error")]),
        (
            get(retry={"maxRetries": -1, "retryOn": ["NEVER"]}),
            [
                ("steps.0.retry.maxRetries", "greater_than_equal"),
                ("steps.0.retry.retryOn.0", "literal_error"),
            ],
        ),
        (get(forEach=5), [("steps.0.forEach", "list_type")]),
        (
            get(assertions=[{**HOLDS, "operator": "equalz"}]),
            [("steps.0.assertions.0.operator", "value_error")],
        ),
        (
            get(assertions=[{**HOLDS, "operator": "matches", "expectedValue": "("}]),
            [("steps.0.assertions.0", "bad_assertion")],
        ),
        (get(assertions=[{**HOLDS, "field": "a["}]), [("steps.0.assertions.0", "bad_assertion")]),
        (
            get(assertions=[HOLDS], until={"failIf": [{**HOLDS, "field": "$["}]}),
            [("steps.0.until.failIf.0", "bad_assertion")],
        ),
        (get(extract={"x": "$["}), [("steps.0.extract.x", "bad_path")]),
        (get(extract={"a b": "x"}), [("steps.0.extract.a b", "string_pattern_mismatch")]),
        (get(when={"left": 1, "operator": "near"}), [("steps.0.when.operator", "value_error")]),
        (
            get(when={"all": [{"left": 1, "operator": "matches", "right": "("}]}),
            [("steps.0.when", "bad_condition")],
        ),
        (
            get(when={"all": [{"lef": 1, "operator": "exists"}]}),
            [("steps.0.when.all.0.lef", "extra_forbidden"), ("steps.0.when.all.0.left", "missing")],
        ),
        (choose("c", 5), [("steps.0.meta.branches.0.steps.0", "dict_type")]),  # type: ignore[arg-type]
        (choose("c", wait(alwaysRun=True)), [("steps.0.meta.branches.0.steps.0.alwaysRun", "not_allowed")]),
        (choose("c", wait(), forEach=[1]), [("steps.0.forEach", "not_allowed")]),
        (choose("c", wait(), timeoutMs=5), [("steps.0.timeoutMs", "not_allowed")]),
    ],
)
def test_what_is_wrong(step: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert problems_of(flow(step)) == expected


def test_what_stands_in_both_places_is_refused() -> None:
    step = get(timeoutMs=5)
    step["meta"]["timeout"] = 6

    assert ("steps.0", "value_error") in problems_of(flow(step))


def test_values_of_references_have_no_type_yet() -> None:
    variables = [{"name": "n", "type": "integer"}, {"name": "headers", "type": "json"}]
    step = wait(meta={"delayMs": "${n}"})
    request = get(url="${n}", when=None)
    request["meta"] |= {
        "maxRedirects": "${n}",
        "headers": "${headers}",
        "verifyTls": "${n}",
        "auth": "${headers}",
    }

    check_document(flow(step, request, variables=variables))


def test_a_literal_beside_a_reference_is_still_checked() -> None:
    request = get(url="${n}")
    request["meta"]["maxRedirects"] = "many"

    assert problems_of(flow(request, variables=[{"name": "n"}])) == [
        ("steps.0.meta.maxRedirects", "int_parsing")
    ]


def test_a_query_takes_no_references() -> None:
    meta = {"resourceId": "db", "query": "select ${n}, '${n}'", "parameters": {"id": "${n}"}}
    row = {"name": "row", "stepType": "sql-db", "meta": meta}
    variables = [{"name": "n"}]

    assert problems_of(flow(wait(), row, variables=variables)) == [
        ("steps.1.meta.query", "reference_not_allowed")
    ]
    assert "write :name and give the value in parameters" in message_of(flow(row, variables=variables))
    meta["query"] = "select '$${n}', :id"
    check_document(flow(row, variables=variables))


def test_messages_are_in_plain_words() -> None:
    assert message_of(flow(get(timeoutMs="5"))) == "timeoutMs must be a whole number, not text"
    assert message_of(flow(get(forEach=5))) == "forEach must be a list or text"
    assert message_of(flow({"name": "a", "stepType": "delay"})) == "delayMs is required"


def test_lists_of_references_have_no_type_yet() -> None:
    request = get(url="/x")
    request["meta"]["expectedStatus"] = ["${n}", 201]

    check_document(
        flow({**request, "meta": {**request["meta"], "url": "http://x.example"}}, variables=[{"name": "n"}])
    )


@pytest.mark.parametrize(
    "key", ["timeoutMs", "disabled", "retry", "assertions", "when", "extract", "description"]
)
def test_the_envelope_takes_no_references_but_in_texts(key: str) -> None:
    raw = flow(get(**{key: "${n}"}), variables=[{"name": "n"}])

    if key == "description":
        check_document(raw)
    else:
        assert {place for place, _ in problems_of(raw)} == {f"steps.0.{key}"}


def test_the_number_of_assertions_is_bounded() -> None:
    many = [HOLDS] * 1_001

    assert problems_of(flow(get(assertions=many))) == [("steps.0.assertions", "too_long")]
    assert problems_of(flow(get(assertions=[HOLDS], until={"failIf": many}))) == [
        ("steps.0.until.failIf", "too_long")
    ]
