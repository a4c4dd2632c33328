"""The functions of references."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import uuid
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.references import functions
from steprunners.references.errors import BadArgument, ReferenceSyntaxError, UnsafeValue
from steprunners.references.functions import FUNCTIONS, MAX_RANDOM_STRING, check_call, text_of
from steprunners.values.json_text import ExactFloat, exact_decimal
from steprunners.values.number_text import NumberText
from tests.steprunners.json_strategies import json_values, tricky_text


def call(name: str, arguments: list[Any]) -> Any:
    return functions.call(name, arguments)


def test_uuid_is_a_random_one() -> None:
    first, second = call("uuid", []), call("uuid", [])
    assert uuid.UUID(str(first)).version == 4
    assert first != second


def test_times_are_utc() -> None:
    before = datetime.now(UTC)
    seconds, milliseconds = call("timestamp", []), call("timestampMs", [])
    assert int(before.timestamp()) <= seconds <= int(before.timestamp()) + 5
    assert abs(milliseconds - seconds * 1000) < 5_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", call("now", []))
    assert call("now", ["%Y"]) in (str(before.year), str(before.year + 1))
    assert call("now", ["%z"]) == "+0000"


@given(st.integers(-(10**30), 10**30), st.integers(0, 10**30))
def test_random_int_is_within_its_bounds(low: Any, size: Any) -> None:
    assert low <= call("randomInt", [low, low + size]) <= low + size


def test_random_string_has_its_length_and_is_plain() -> None:
    assert re.fullmatch(r"[A-Za-z0-9]{12}", call("randomString", [12]))
    assert call("randomString", [0]) == ""


def test_hashes() -> None:
    assert call("sha256", ["é"]) == hashlib.sha256("é".encode()).hexdigest()
    assert call("hmacSha256", ["key", "text"]) == hmac.new(b"key", b"text", "sha256").hexdigest()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_base64_goes_there_and_back(text: Any) -> None:
    assert call("base64Decode", [call("base64", [text])]) == text


@pytest.mark.parametrize("text", ["_-8", "_-8="])
def test_base64_of_urls_is_read_without_padding(text: Any) -> None:
    with pytest.raises(BadArgument):  # it is base64, but not of UTF-8 text
        call("base64Decode", [text])
    assert call("base64Decode", ["w7_Dvw"]) == "ÿÿ"


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("urlEncode", ["a b/ü~"], "a%20b%2F%C3%BC~"),
        ("json", [{"a": [1, True, None, "ü"]}], '{"a":[1,true,null,"ü"]}'),
        ("json", ["a"], '"a"'),
        ("upper", ["straße"], "STRASSE"),
        ("lower", ["ABC"], "abc"),
        ("upper", [True], "TRUE"),
        ("length", ["üü"], 2),
        ("length", [[1, 2, 3]], 3),
        ("length", [{"a": 1}], 1),
        ("add", [9007199254740993, 1], 9007199254740994),
        ("add", ["2", 3], 5),
        ("add", [0.5, 1], 1.5),
        ("add", ["1.5", "2"], 3.5),
        ("randomInt", ["3", 3], 3),
    ],
)
def test_values(name: Any, arguments: Any, value: Any) -> None:
    result = call(name, arguments)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("randomInt", [2, 1]),
        ("randomInt", [1.5, 2]),
        ("randomInt", [True, 2]),
        ("randomInt", [0, 10**2000]),
        ("randomString", [-1]),
        ("randomString", [MAX_RANDOM_STRING + 1]),
        ("randomString", [None]),
        ("now", ["%" * 101]),
        ("now", [5]),
        ("now", ["\ud800"]),
        ("base64", ["\ud800"]),
        ("base64Decode", ["!!"]),
        ("length", [5]),
        ("length", [None]),
        ("add", [1, "x"]),
        ("add", [True, 1]),
        ("add", [1e308, 1e308]),
        ("add", ["1e999", 1]),
        ("add", [10**1200, 0.5]),
        ("json", [float("nan")]),
    ],
)
def test_bad_arguments_are_named(name: Any, arguments: Any) -> None:
    with pytest.raises(BadArgument, match=re.escape(f"{name}():")):
        call(name, arguments)


@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(json_values, min_size=2, max_size=2))
def test_a_function_raises_nothing_else(name: Any, arguments: Any) -> None:
    with contextlib.suppress(BadArgument):
        call(name, arguments[: FUNCTIONS[name].most])


def test_unknown_functions_and_counts_are_found_before_a_run() -> None:
    with pytest.raises(ReferenceSyntaxError, match="did you mean base64"):
        check_call("bas64", 1)
    with pytest.raises(ReferenceSyntaxError, match=re.escape("write randomInt(1, 9)")):
        check_call("randomInt", 1)
    check_call("now", 0)
    check_call("now", 1)


@given(tricky_text)
def test_text_is_written_as_it_is(text: Any) -> None:
    assert text_of(text) == text


def test_other_values_are_written_as_json() -> None:
    values: list[Any] = [None, True, 1, 1.0, {"a": [1]}]
    assert [text_of(each) for each in values] == [
        "null",
        "true",
        "1",
        "1.0",
        '{"a":[1]}',
    ]


def test_a_value_too_deep_for_text_is_a_declared_error() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(UnsafeValue):
        text_of(value)
    while value:  # taken apart by hand: freeing it at once would be as deep
        value = value.pop()


@pytest.mark.parametrize(
    ("left", "right", "written"),
    [
        (1.1, 2.2, "3.3"),
        (0.1, 0.2, "0.3"),
        (9007199254740993, 0.5, "9007199254740993.5"),
        (ExactFloat("9007199254740993.25"), "0.25", "9007199254740993.5"),
        ("19.90", "0.10", "20"),
        (NumberText("19.90"), 1, "20.9"),
        (1.5, 1.5, "3"),
        (1e22, 1, "10000000000000000000001"),
        (1e300, 1e300, "2e+300"),
        (0.1, -0.1, "0"),
        (1e-7, 0, "1e-7"),
    ],
)
def test_sums_are_exact_and_short(left: Any, right: Any, written: str) -> None:
    assert repr(call("add", [left, right])) in (written, repr(float(written)) if "e" in written else written)


@given(st.decimals(-(10**20), 10**20, places=6), st.decimals(-(10**20), 10**20, places=6))
def test_a_sum_is_the_sum(left: Decimal, right: Decimal) -> None:
    with localcontext(prec=100):
        assert exact_decimal(call("add", [str(left), ExactFloat(str(right))])) == left + right


@pytest.mark.parametrize("huge", ["1e9999", ExactFloat("1e-99999999999"), 1e308])
def test_a_sum_that_no_json_number_is_is_refused(huge: Any) -> None:
    with pytest.raises(BadArgument, match="sum"):
        call("add", [huge, 1.5 if huge != 1e308 else huge])
