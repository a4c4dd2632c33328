"""What is stored comes back as it was, and every other reader sees plain JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.values.json_text import ExactFloat
from steprunners.values.number_text import NumberText
from steprunners.values.stored_json import dumps, loads
from tests.steprunners.json_strategies import scalars, tricky_text

marked = st.decimals(allow_nan=False, allow_infinity=False, places=6).map(NumberText)
exact = st.sampled_from(["10.00", "9007199254740993.5"]).map(ExactFloat)
values: st.SearchStrategy[Any] = st.recursive(
    scalars | marked | exact | st.sampled_from(['"\\u00319.90"', "\\u0031", '"', "\\", "\x011", "19.90"]),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(tricky_text, children, max_size=4),
)


def types_in(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: types_in(each) for key, each in value.items()}
    return [types_in(each) for each in value] if isinstance(value, list) else type(value)


@given(values)
def test_values_and_marks_survive(value: Any) -> None:
    text = dumps(value)
    found = loads(text)
    assert found == value
    assert types_in(found) == types_in(value)
    assert text.isascii()


@given(values)
def test_other_readers_see_the_same_json(value: Any) -> None:
    assert json.loads(dumps(value)) == value


@pytest.mark.parametrize("text", ["19.90", "-5", "0"])
def test_the_mark_is_in_the_spelling_alone(text: str) -> None:
    assert dumps(NumberText(text)) == f'"\\u{ord(text[0]):04x}{text[1:]}"'
    assert dumps(text) == f'"{text}"'
    assert type(loads(dumps(text))) is str


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        dumps([float("nan")])
