"""YAML with JSON's meaning: types, aliases within bounds, places of what is wrong."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.problems import FlowInvalid
from flows.yaml.text import read_yaml, write_yaml
from steprunners.json_types import Json


def read(text: str, max_nodes: int = 1_000) -> list[Json]:
    return read_yaml(text, max_nodes=max_nodes, max_depth=50)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-0", 0),
        ("+5", 5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("''", ""),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        # what YAML 1.1 would make something else of
        ("yes", "yes"),
        ("off", "off"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("007", "007"),
        ("0x1f", "0x1f"),
        ("=", "="),
    ],
)
def test_scalars(text: str, value: Json) -> None:
    (found,) = read(text)

    assert found == value
    assert isinstance(found, type(value))


def test_aliases_are_copies() -> None:
    (value,) = read("a: &x {b: [1]}\nc: *x\nd: {<<: *x, e: 2}\nf: {<<: [*x, {b: 3, g: 4}], g: 5}")

    assert value == {"a": {"b": [1]}, "c": {"b": [1]}, "d": {"b": [1], "e": 2}, "f": {"b": [1], "g": 5}}
    assert isinstance(value, dict)
    assert value["c"] is not value["a"]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("a: 1\na: 2", "duplicate_key", "line 2, column 1"),
        ("a:\n\t- 1", "parse_error", "line 2, column 1"),
        ("a: b: c", "parse_error", "line 1, column 5"),
        ("[", "parse_error", "line 2, column 1"),
        ("a: *b", "parse_error", "no &b above"),
        ("&a [*a]", "parse_error", "no &a above"),
        ("a: .nan", "not_json", "line 1, column 4"),
        ("a: -.inf", "not_json", "line 1, column 4"),
        ("1e999", "not_json", "line 1, column 1"),
        ("1" * 5_000, "not_json", "too many digits"),
        ("1: 2", "not_json", "the key 1 is not text"),
        ("true: 2", "not_json", "the key true is not text"),
        ("? [a]\n: 1", "parse_error", "a key has to be text"),
        ("{a: 1, *x : 2}", "parse_error", "no &x above"),
        ("<<: 5", "parse_error", "<< takes"),
        ("!!python/object/apply:os.system [ls]", "parse_error", "has no meaning here"),
        ("!!timestamp 2024-01-01", "parse_error", "has no meaning here"),
        ("[" * 100_000, "too_deep", "nested more than 50"),
        ("\x00", "parse_error", "not YAML"),
        ("x: [" + "1," * 2_000 + "]", "too_large", "more than 1000 values"),
    ],
)
def test_what_is_refused(text: str, code: str, words: str) -> None:
    with pytest.raises(FlowInvalid) as caught:
        read(text)

    (problem,) = caught.value.problems
    assert problem.code == code
    assert words in problem.message


def test_a_bomb_ends_before_it_is_large() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )

    with pytest.raises(FlowInvalid) as caught:
        read(bomb, max_nodes=100_000)
    assert caught.value.problems[0].code == "too_large"


def test_documents() -> None:
    assert read("--- 1\n--- {a: 2}\n...") == [1, {"a": 2}]
    assert read("") == [None]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(
        ["yes", "null", "1e3", "<<", "007", "a\nb\n", " a\n\n b", "# x", "- a", "${x}", "\x85", "\t"]
    ),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(TEXT | st.just("<<"), children, max_size=4)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_what_is_written_reads_back_the_same(value: Any) -> None:
    (again,) = read(write_yaml(value))

    assert json.dumps(again) == json.dumps(value)


@given(st.text(max_size=60) | st.text(alphabet="[]{}:,-&*?!|>'\"#% \n\tab<1", max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(FlowInvalid):
        read(text)
