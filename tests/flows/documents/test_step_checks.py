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


class TestReferencesInKeys:
    META = {"url": "http://127.0.0.1/", "method": "POST"}

    @pytest.mark.parametrize("part", ["headers", "query", "form", "multipart", "body", "expectedResponse"])
    def test_an_unknown_name_is_found_in_a_key(self, part: str) -> None:
        step = get(meta={**self.META, part: {"${sku}": 1}})
        assert problems_of(flow(step)) == [(f"steps.0.meta.{part}.${{sku}}", "unknown_reference")]
        check_document(flow(step, variables=[{"name": "sku", "type": "string", "defaultValue": "tea"}]))

    def test_in_nested_objects_assertions_and_conditions(self) -> None:
        nested = get(
            meta={**self.META, "body": [{"a": {"${no}": 1}}]},
            assertions=[{"field": "body", "operator": "equals", "expectedValue": {"${nor}": 1}}],
            when={"left": 1, "operator": "notEquals", "right": {"${neither}": 1}},
            forEach=[{"${none}": 1}],
        )
        assert {place for place, _ in problems_of(flow(nested))} == {
            "steps.0.meta.body.0.a.${no}",
            "steps.0.assertions.0.expectedValue.${nor}",
            "steps.0.when.right.${neither}",
            "steps.0.forEach.0.${none}",
        }

    def test_a_bad_reference_in_a_key(self) -> None:
        step = get(meta={**self.META, "body": {"${": 1}})
        assert problems_of(flow(step)) == [("steps.0.meta.body.${", "bad_reference")]

    def test_a_later_step_in_a_key(self) -> None:
        first = get("first", meta={**self.META, "form": {"${second.body.id}": 1}})
        assert problems_of(flow(first, get("second"))) == [
            ("steps.0.meta.form.${second.body.id}", "later_reference")
        ]

    def test_names_of_sql_parameters_are_fixed(self) -> None:
        variables = [{"name": "n", "type": "string", "defaultValue": "id"}]
        meta = {"resourceId": "db", "query": "select :id", "parameters": {"${n}": 1}}
        step = {"name": "row", "stepType": "sql", "meta": meta}
        assert problems_of(flow(step, variables=variables)) == [
            ("steps.0.meta.parameters.${n}", "reference_not_allowed")
        ]
        assert "the query names its parameters" in message_of(flow(step, variables=variables))

    @pytest.mark.parametrize(
        ("meta", "place"),
        [
            ({"${n}": "x"}, "${n}"),
            ({"${n}": "${n}"}, "${n}"),
            ({"auth": {"type": "bearer", "token": "t", "${n}": "${n}"}}, "auth.${n}"),
            ({"multipart": [{"name": "a", "${n}": "${n}"}]}, "multipart.0.${n}"),
            ({"urll": "${n}"}, "urll"),
        ],
    )
    def test_names_of_fields_are_fixed(self, meta: dict[str, Any], place: str) -> None:
        variables = [{"name": "n", "type": "string", "defaultValue": "url"}]
        step = get(meta={**self.META, **meta})
        assert problems_of(flow(step, variables=variables)) == [(f"steps.0.meta.{place}", "extra_forbidden")]
