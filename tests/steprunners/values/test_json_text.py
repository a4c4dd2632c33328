"""JSON text comes back with every digit."""

from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from steprunners.json_types import Json
from steprunners.masking.display import show
from steprunners.values.json_text import (
    ExactEncoder,
    ExactFloat,
    dumps,
    exact_decimal,
    exact_float,
    finite_float,
    loads,
)

NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,2})?", fullmatch=True
).filter(
    lambda text: text != "-0"  # an integer, which is 0
)
DOCUMENTS = st.recursive(
    NUMBERS | st.sampled_from(["null", "true", "false", '"a"', '"10.00"', '"\\ue000"']),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda each: f"[{', '.join(each)}]")
        | st.lists(inner, max_size=4).map(
            lambda each: "{" + ", ".join(f'"{n}": {value}' for n, value in enumerate(each)) + "}"
        )
    ),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_a_document_comes_back_as_it_was(text: str) -> None:
    assert dumps(loads(text)) == text
    assert show(loads(text), 10**6) == dumps(loads(text), ensure_ascii=False)


@pytest.mark.parametrize(
    "text",
    ["10.00", "1e5", "1E5", "-0.0", "0.10", "1736184243098437392.10", "9007199254740993", "12.5", "1e-7"],
)
def test_numbers_keep_their_text(text: str) -> None:
    for value in (loads(text), copy.deepcopy(loads(text)), pickle.loads(pickle.dumps(loads(text)))):  # noqa: S301
        assert dumps(value) == dumps({"a": [value]})[7:-2] == text
        assert value == float(text) or isinstance(value, int)


def test_a_float_that_python_writes_alike_stays_one() -> None:
    assert type(loads("12.5")) is float
    assert type(loads("12.50")) is ExactFloat


def test_it_is_a_float_to_everybody_else() -> None:
    number = loads("10.00")

    assert isinstance(number, float)
    assert (number + 1, number == 10, hash(number) == hash(10), str(number)) == (11.0, True, True, "10.00")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "{", "[1.0.0]", ""])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(text)


def test_a_number_beyond_a_double() -> None:
    assert exact_float("1e400") == float("inf")
    with pytest.raises(ValueError, match="out of range"):
        finite_float("1e400")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf"), loads("1.0")]])
def test_what_is_not_finite_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(value)


def test_text_cannot_pretend_to_be_a_number() -> None:
    value = {"a": loads("1.50"), "b": "10.00", "c": "\ue000:1.0", "d": '"1.0"'}

    assert dumps(value) == '{"a": 1.50, "b": "10.00", "c": "\\ue000:1.0", "d": "\\"1.0\\""}'


def test_forms_of_text() -> None:
    value = loads('{"é": [1.0, 2.50]}')

    assert dumps(value, compact=True) == '{"\\u00e9":[1.0,2.50]}'
    assert dumps(value, ensure_ascii=False) == '{"é": [1.0, 2.50]}'
    assert (
        json.dumps(value, cls=ExactEncoder, indent=1, ensure_ascii=False)
        == '{\n "é": [\n  1.0,\n  2.50\n ]\n}'
    )


def test_pydantic_keeps_it() -> None:
    value = loads('{"a": [10.00]}')

    assert dumps(TypeAdapter(Json).validate_python(value)) == '{"a": [10.00]}'


@pytest.mark.parametrize(
    ("number", "exact"),
    [
        (0.1, "0.1"),
        (1, "1"),
        (2**70, str(2**70)),
        (ExactFloat("1.10000000000000000001"), "1.10000000000000000001"),
    ],
)
def test_exact_decimals(number: float, exact: str) -> None:
    assert exact_decimal(number) == Decimal(exact)
