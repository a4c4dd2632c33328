"""Bodies: JSON and YAML are one document, and what cannot be read says why and where."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from flows.documents.parsing import MAX_NODES, check_tree, is_yaml, parse_body, parse_documents
from flows.problems import FlowInvalid
from tests.flows.sample_documents import ORDER


def refusal(body: bytes, content_type: str = "application/json") -> tuple[str, str, str]:
    with pytest.raises(FlowInvalid) as caught:
        parse_body(body, content_type)
    problem = caught.value.problems[0]
    return problem.place, problem.code, problem.message


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/yaml", True),
        ("Text/YAML; charset=utf-8", True),
        ("application/json", False),
        ("", False),
    ],
)
def test_media_types(content_type: str, expected: bool) -> None:
    assert is_yaml(content_type) is expected


def test_a_byte_order_mark_is_left_out() -> None:
    assert parse_body(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    assert parse_body(b"\xef\xbb\xbf" + ORDER.encode(), "application/yaml")["name"] == "Order is fulfilled"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": \n x}', ("", "parse_error", "line 2, column 2")),
        (b'{"a": 1, "a": 2}', ("", "duplicate_key", "'a' appears twice")),
        (b'{"a": NaN}', ("", "parse_error", "NaN")),
        (b'{"a": [1e999]}', ("a.0", "not_json", "inf")),
        (b'{"a": ' + b"1" * 5_000 + b"}", ("", "parse_error", "too many digits")),
        (b'{"a": "\\ud800"}', ("a", "not_json", "not a JSON value")),
        (b"\xff", ("", "parse_error", "not UTF-8 text (byte 0)")),
        (b"[" * 100_000, ("", "too_deep", "100 levels")),
        (b'{"a":' * 101 + b"1" + b"}" * 101, ("a.a.a.a.a.a", "too_deep", "100 levels")),
        (b"[]", ("", "not_an_object", "an object")),
        (b"", ("", "parse_error", "line 1, column 1")),
    ],
)
def test_json_that_is_refused(body: bytes, expected: tuple[str, str, str]) -> None:
    place, code, message = refusal(body)

    assert (place, code) == expected[:2]
    assert expected[2] in message


def test_several_documents_are_for_import() -> None:
    assert refusal(b"--- {}\n--- {}", "application/yaml")[1] == "parse_error"
    assert parse_documents(b"--- {}\n--- {}", "application/yaml") == [{}, {}]


def test_size_is_bounded(settings: Settings) -> None:
    settings.MAX_REQUEST_BYTES = 10

    assert refusal(b'{"a": "0123456789"}')[1] == "too_large"


def test_the_number_of_values_is_bounded() -> None:
    with pytest.raises(FlowInvalid) as caught:
        check_tree({"a": [1] * MAX_NODES})
    assert caught.value.problems[0].code == "too_large"


def test_a_tree_is_json() -> None:
    check_tree({"a": [None, True, 1, 1.5, "x", {}]})
    with pytest.raises(FlowInvalid) as caught:
        check_tree({"a": {1: 2}, "b": object(), "c": {"\ud800": 1}})
    assert {each.place for each in caught.value.problems} == {"a", "b", "c"}
