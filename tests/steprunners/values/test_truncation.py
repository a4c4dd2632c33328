"""What is stored of a large result fits, keeps its small parts whole, and says where it was cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.json_types import Json
from steprunners.values.paths import NoValue, parse_path, read_path
from steprunners.values.truncation import LIMIT_BYTES, cut, touches_cut
from tests.steprunners.json_strategies import json_values


def size(value: Json) -> int:
    return len(json.dumps(value))


def test_what_fits_stays_the_same() -> None:
    value: Json = {"a": "x" * 1000}
    assert cut(value).value is value
    assert cut(value).paths == []


def test_only_the_large_text_is_shortened() -> None:
    small: dict[str, Json] = {"status": 200, "headers": {"a": "b" * 3000}, "url": "u"}
    result = cut({**small, "body": "é" * 2_000_000})
    assert result.paths == ["body"]
    assert LIMIT_BYTES * 0.95 < size(result.value) <= LIMIT_BYTES
    assert isinstance(result.value, dict)
    assert set(str(result.value.pop("body"))) == {"é"}
    assert result.value == small


def test_a_long_list_loses_its_end() -> None:
    rows: list[Json] = [{"id": number, "text": "x" * 50} for number in range(50_000)]
    result = cut({"rows": rows, "rowCount": 50_000})
    assert result.paths == ["rows"]
    kept = read_path(result.value, "rows")
    assert isinstance(kept, list)
    assert kept == rows[: len(kept)]
    assert read_path(result.value, "rowCount") == 50_000
    assert LIMIT_BYTES * 0.9 < size(result.value) <= LIMIT_BYTES


def test_large_members_share_the_room() -> None:
    value: Json = {"messages": [{"value": "z" * 400_000, "offset": number} for number in range(5)]}
    result = cut(value)
    assert result.paths == [f"messages[{number}].value" for number in range(5)]
    assert [read_path(result.value, f"messages[{number}].offset") for number in range(5)] == list(range(5))


@pytest.mark.parametrize(
    "value",
    [
        "x" * 2_000_000,
        list(range(500_000)),
        {"k" * 2_000_000: 1},
        {f"k{n}": "v" for n in range(200_000)},
        10**2_000,
    ],
)
def test_any_kind_of_large_value(value: Json) -> None:
    assert size(cut(value, 1_000).value) <= 1_000
    assert cut(value, 1_000).paths == ["$"]


def test_a_value_too_deep_to_write_becomes_null() -> None:
    deep: Json = []
    for _ in range(200_000):  # from Python 3.12 on, the JSON encoder writes thousands of levels
        deep = [deep]
    assert cut(deep).value is None


@given(json_values, st.integers(4, 300))
def test_it_always_fits_and_every_path_can_be_read(value: Json, limit: int) -> None:
    result = cut(value, limit)
    assert size(result.value) <= limit
    assert bool(result.paths) == (size(value) > limit)
    for path in result.paths:
        parse_path(path)
        read_path(value, path)


@given(st.dictionaries(st.sampled_from("abc"), st.text("xyz", max_size=300), min_size=1))
def test_a_member_is_whole_or_named(value: dict[str, Json]) -> None:
    result = cut(value, 200)
    for key, member in value.items():
        try:
            whole = read_path(result.value, key) == member
        except NoValue:
            assert "$" in result.paths
        else:
            assert whole != touches_cut(key, result.paths)


@pytest.mark.parametrize(
    ("path", "cuts", "touched"),
    [
        ("body", ["body.text"], True),
        ("body.text", ["body.text"], True),
        ("body.other", ["body.text"], False),
        ("body.text.x", ["body.text"], False),
        ("response.text", ["body.text"], True),
        ("response.body", ["body.text"], True),
        ("items[0]", ["items"], False),
        ("items", ["items"], True),
        ("$.items[*]", ["other"], False),
        ("$.items[*]", ["items"], True),
        ("$.items[*].id", ["items[3].id"], True),
        ("$.items[1].id", ["items[3].id"], False),
        ("$.items[1].id", ["items"], False),
        ("$.items[-1].id", ["items[3].id"], True),
        ("$..id", ["other"], True),
        ("$", ["other"], True),
        ("$.items[*]", [], False),
        ("a", ["$"], False),
    ],
)
def test_touches_cut(path: str, cuts: list[str], touched: bool) -> None:
    assert touches_cut(path, cuts) == touched


def test_the_text_beside_what_was_parsed_from_it_goes_first() -> None:
    message: Json = {"value": {"x": "y" * 80}, "valueText": "z" * 90, "valueEncoding": "json"}
    result = cut({"messages": [message, message], "valueText": "kept"}, 380)
    assert result.paths == ["messages[0].valueText", "messages[1].valueText"]
    assert result.value == {
        "messages": [{"value": {"x": "y" * 80}, "valueEncoding": "json"}] * 2,
        "valueText": "kept",
    }
    assert touches_cut("messages[0]", result.paths)
    assert not touches_cut("messages[0].value.x", result.paths)
    assert not touches_cut("$.messages[0].value[*]", result.paths)
