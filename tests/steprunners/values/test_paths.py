"""Paths into results."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from steprunners.values.paths import (
    NoValue,
    PathError,
    PathSyntaxError,
    PathTooCostly,
    check_path,
    is_singular,
    read_path,
    read_result,
    show_path,
)
from tests.steprunners.json_strategies import json_values, tricky_text

RESULT: Any = {
    "status": 201,
    "headers": {"content-type": "application/json"},
    "body": {
        "id": "42",
        "status": "NEW",
        "items": [{"sku": "a"}, {"sku": "b"}],
        "first name": "Ann",
        "0": "zero",
    },
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("status", 201),
        ("body.items[0].sku", "a"),
        ("body.items.1.sku", "b"),
        ("body.items[-1].sku", "b"),
        ("headers['content-type']", "application/json"),
        ('headers["content-type"]', "application/json"),
        ("headers.content-type", "application/json"),
        ("['body']['first name']", "Ann"),
        ("body.first name", "Ann"),
        ("body[0]", "zero"),
        ("$.body.id", "42"),
        ("$.body.items[*].sku", ["a", "b"]),
        ("$.body.items[:1].sku", "a"),
        ("$", RESULT),
    ],
)
def test_it_reads(path: Any, value: Any) -> None:
    assert read_path(RESULT, path) == value


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("body.ids", "there is no body.ids; did you mean id?"),
        ("headers['Content-Type']", "there is no headers.Content-Type; did you mean content-type?"),
        ("body.items[2]", "body.items has 2 elements"),
        ("body.items[-3]", "body.items has 2 elements"),
        ("body.items.sku", "body.items has 2 elements"),
        ("status.code", "status is not an object or a list"),
        ("$.body.nothing", "selects nothing"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ends(path: Any, message: Any) -> None:
    with pytest.raises(NoValue) as caught:
        read_path(RESULT, path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "path", ["", " ", ".a", "a.", "a..b", "a[", "a[]", "a[x]", "a]b", "['a']b", "a'b", "$[", "x" * 1001]
)
def test_what_is_not_a_path(path: Any) -> None:
    with pytest.raises(PathSyntaxError):
        check_path(path)


def test_response_reads_the_result_and_where_it_has_none_its_body() -> None:
    assert read_result(RESULT, "response.status") == 201
    assert read_result(RESULT, "response.id") == "42"
    assert read_result(RESULT, "response.$.items[0].sku") == "a"
    assert read_result(RESULT, "response['id']") == "42"
    assert read_result(RESULT, "response") == RESULT
    with pytest.raises(NoValue):
        read_result(RESULT, "response.nothing")
    with pytest.raises(NoValue):
        read_result({"value": 1}, "response.nothing")
    with pytest.raises(NoValue):
        read_result(RESULT, "responses.id")


def test_a_result_that_has_a_field_response_gives_that() -> None:
    assert read_result({"response": {"id": 1}, "id": 2}, "response.id") == 1


@pytest.mark.parametrize(
    ("path", "singular"), [("a.b[0]", True), ("$.a", True), ("$..a", False), ("response.$.a[*]", False)]
)
def test_singular_paths(path: Any, singular: Any) -> None:
    assert is_singular(path) is singular


def test_a_document_too_deep_is_a_declared_error() -> None:
    document: Any = []
    for _ in range(800):
        document = [document]
    with pytest.raises(PathTooCostly):
        read_path(document, "$..a")


@given(tricky_text, json_values)
def test_it_raises_nothing_but_path_errors(path: Any, value: Any) -> None:
    for text in (path, f"${path}", f"response{path}"):
        with contextlib.suppress(PathError):
            read_result(value, text)


@given(json_values)
def test_a_path_that_is_shown_leads_back_to_its_value(value: Any) -> None:
    for path, leaf in _leaves(value, ()):
        if path:
            assert read_path(value, show_path(path)) == leaf


def _leaves(value: Any, path: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _leaves(child, (*path, index))
    else:
        yield path, value
