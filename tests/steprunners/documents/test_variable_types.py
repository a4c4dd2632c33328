"""The types of variables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.documents.envelope import VariableType
from steprunners.documents.variable_types import WrongType, as_type, read_text, typed
from steprunners.json_types import Json


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        ("string", "", ""),
        ("integer", 2.0, 2),
        ("integer", -(10**30), -(10**30)),
        ("double", 2, 2),
        ("double", 1.5, 1.5),
        ("boolean", False, False),
        ("date", "2024-02-29", "2024-02-29"),
        ("json", None, None),
        ("json", {"a": [1]}, {"a": [1]}),
    ],
)
def test_values_that_have_the_type(kind: str, value: Json, result: Json) -> None:
    found = typed(VariableType(kind), value, "x")

    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", 5),
        ("string", None),
        ("integer", "5"),
        ("integer", 1.5),
        ("integer", True),
        ("double", True),
        ("double", "1.5"),
        ("boolean", 0),
        ("boolean", "true"),
        ("date", "2023-02-29"),
        ("date", "20240229"),
        ("date", "2024-02-29T00:00:00"),
        ("date", "\uff12024-02-29"),
        ("date", 20240229),
    ],
)
def test_values_that_do_not(kind: str, value: Json) -> None:
    with pytest.raises(WrongType, match=r"^x must be "):
        typed(VariableType(kind), value, "x")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "5", "5"),
        ("integer", "5", 5),
        ("double", "1e3", 1000.0),
        ("boolean", "true", True),
        ("date", "2024-01-01", "2024-01-01"),
        ("json", '{"a": null}', {"a": None}),
    ],
)
def test_text_from_a_command_line(kind: str, text: str, value: Json) -> None:
    assert read_text(VariableType(kind), text, "x") == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "five"),
        ("integer", "1" * 5_000),
        ("double", "NaN"),
        ("json", "{"),
        ("json", "[" * 100_000),
        ("date", "1"),
    ],
)
def test_text_that_is_no_value(kind: str, text: str) -> None:
    with pytest.raises(WrongType):
        read_text(VariableType(kind), text, "x")


@given(st.sampled_from(VariableType), st.text(max_size=20))
def test_no_text_raises_anything_else(kind: VariableType, text: str) -> None:
    try:
        value = read_text(kind, text, "x")
    except WrongType:
        return
    assert typed(kind, value, "x") == value


def test_names_in_any_case() -> None:
    assert as_type("Integer") is VariableType.INTEGER
    assert as_type("int") == "int"
    assert as_type(5) == 5


def test_a_text_that_is_no_date_is_not_called_text_of_the_wrong_type() -> None:
    """It may be secret, so it is not repeated."""
    with pytest.raises(WrongType, match=r"day must be a date such as 2026-01-31, as text, not other text$"):
        typed(VariableType.DATE, "2026-13-01", "day")
