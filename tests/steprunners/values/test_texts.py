"""A path that leads into a text: the message says so, and why it is one."""

from __future__ import annotations

from typing import Any

import pytest

from steprunners.values.paths import NoValue, read_result


def http(body: str, content_type: str | None, encoding: str = "text") -> dict[str, Any]:
    headers = {} if content_type is None else {"content-type": content_type}
    return {"status": 200, "headers": headers, "body": body, "bodyEncoding": encoding}


PATHS = [
    "body.id",
    "body.id.x",
    "body[0]",
    "$.body.id",
    "$.body[0]",
    "$.body[*].id",
    "$.body[?@.id == 1]",
    "$.body..id",
    "$..id",
]


def why(result: Any, path: str) -> str:
    with pytest.raises(NoValue) as caught:
        read_result(result, path)
    return str(caught.value)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        ("<p>Sorry</p>", "text/html", "body is text, because its content type is text/html"),
        (
            '{"id": 1}',
            "text/html",
            "body is text, because its content type is text/html; the JSON in it is not parsed",
        ),
        (
            '{"id": 1',
            "text/plain",
            "because its content type is text/plain; it is not valid JSON either: Expecting",
        ),
        (
            '{"id": 1,\n "a" 2}',
            "application/json",
            "because it is not valid JSON: Expecting ':' delimiter at line 2, column 6",
        ),
        ('{"id": NaN}', "application/json", "because it is not valid JSON: NaN is not JSON"),
        (
            '{"id": 1e999}',
            "application/hal+json; charset=utf-8",
            "because it is not valid JSON: 1e999 is out of range",
        ),
        ("9" * 5000, "application/json", "because it is not valid JSON: a number has too many digits"),
        ("[" * 300 + "]" * 300, "application/json", "it is nested more than 200 levels deep"),
        ('{"id": "ä"}', "application/json", "because its bytes are not UTF-8, as JSON has to be"),
        ("{'id': 1}", None, "because it is not valid JSON: Expecting property name"),
        (
            '{"id": 1}',
            "application/x-ndjson",
            "because its content type is application/x-ndjson; the JSON in it",
        ),
        ("id=1", None, "because it has no content type and does not begin like JSON"),
        ("", "application/json", "body is empty"),
    ],
)
def test_a_body_that_is_text(path: str, body: str, content_type: str | None, reason: str) -> None:
    assert reason in why(http(body, content_type), path)


@pytest.mark.parametrize("path", ["response.id", "response.items[0].id", "body.id"])
def test_by_the_short_name_of_the_body(path: str) -> None:
    assert "body is text, because its content type is text/html" in why(http("x", "text/html"), path)


@pytest.mark.parametrize("path", ["body.id", "$.body.id", "$.body[?@.a]"])
def test_a_body_in_base64(path: str) -> None:
    assert "body is base64, because its bytes are not text" in why(http("AAE=", "image/png", "base64"), path)


@pytest.mark.parametrize(
    "path",
    [
        "messages[0].value.id",
        "$.messages[0].value.id",
        "$.messages[*].value.id",
        "$.messages[?@.offset == 0].value['id']",
    ],
)
def test_a_kafka_value(path: str) -> None:
    message = {"offset": 0, "value": '{"id": 1', "valueEncoding": "text"}
    assert "messages[0].value is text, because it is not valid JSON: Expecting" in why(
        {"messages": [message]}, path
    )
    message = {"offset": 0, "value": "AAE=", "valueEncoding": "base64"}
    assert "messages[0].value is base64" in why({"messages": [message]}, path)


@pytest.mark.parametrize(
    ("result", "path", "reason"),
    [
        (
            {"value": "plain", "valueEncoding": "text", "json": None},
            "value.id",
            "value is text, because it is not valid JSON",
        ),
        (
            {"value": '{"id": 1}', "valueEncoding": "text", "json": {"id": 1}},
            "value.id",
            "value is text, and the JSON in it is json",
        ),
        (
            {"values": ['{"id": 1}']},
            "values[0].id",
            "values[0] is text, not an object or a list; the JSON in it is not parsed",
        ),
        ({"values": {"f": "x"}}, "$.values.f.id", "values.f is text, not an object or a list"),
        ({"logLines": [{"line": '{"level": "info"}'}]}, "logLines[0].line.level", "logLines[0].line is text"),
        ({"logLines": [{"line": "x"}]}, "$.logLines[*].line.level", "logLines[0].line is text"),
        ({"rows": [{"doc": "{}"}]}, "rows[0].doc.id", "the JSON in it is not parsed"),
        ("text", "a", "the value is text"),
        ("text", "$.a", "the value is text"),
    ],
)
def test_other_texts(result: Any, path: str, reason: str) -> None:
    assert reason in why(result, path)


@pytest.mark.parametrize("path", ["$.body.nothing", "$.status.code", "$..nothing", "$[5]"])
def test_a_query_that_meets_no_text(path: str) -> None:
    assert why({"status": 1, "body": {"id": "x"}, "bodyEncoding": "json"}, path).endswith("selects nothing")


def test_a_secret_text_is_not_told() -> None:
    assert "hunter" not in why(http("hunter22-hunter22", "text/html"), "body.id")
