"""One form of JSON, whatever it is written for."""

from __future__ import annotations

import pytest

from steprunners.json_types import Json
from steprunners.values.json_text import ExactFloat
from steprunners.values.sent_text import as_text, json_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, True, None, "ü"], "b": {}}, '{"a":[1,true,null,"ü"],"b":{}}'),
        (ExactFloat("10.00"), "10.00"),
        ({"n": ExactFloat("0.12345678901234567890")}, '{"n":0.12345678901234567890}'),
        (9007199254740993, "9007199254740993"),
        ({"ü": "\ud800"}, '{"\\u00fc":"\\ud800"}'),
        ("a", '"a"'),
        (None, "null"),
    ],
)
def test_json(value: Json, text: str) -> None:
    assert json_of(value) == text


def test_text_is_itself() -> None:
    assert as_text('{"a": 1}') == '{"a": 1}'
    assert as_text({"a": 1}) == '{"a":1}'


def test_what_json_cannot_hold() -> None:
    deep: Json = []
    for _ in range(100_000):
        deep = [deep]
    for value in (float("nan"), deep):
        with pytest.raises(ValueError, match=r"JSON"):
            json_of(value)
