"""What we write as YAML means the same to readers of YAML 1.1 (PyYAML) and 1.2 (ruamel.yaml), and to ourselves."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from flows.editing.edits import set_value
from flows.yaml.text import read_yaml, write_inline, write_yaml
from steprunners.json_types import Json

LOOKS_LIKE_ANOTHER_TYPE = [
    *("018", "089", "0o17", "017", "0x1F", "0b1", "1_000", "1,000", "1:30", "1:30:00", "190:20:30.15"),
    *(
        ".5",
        "5.",
        "0.",
        "+1",
        "-1",
        "1e3",
        "1E-3",
        "+.5",
        "1.5e3",
        "0_0",
        "-0o7",
        "0O7",
        "0X1f",
        "0B1",
        "+0x1",
    ),
    *("yes", "No", "ON", "off", "y", "N", "true", "False", "~", "null", "NULL", ""),
    *("2024-01-01", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10 -5", "2024-1-1"),
    *(
        ".inf",
        "-.INF",
        "+.Inf",
        ".nan",
        ".NaN",
        "=",
        "<<",
        ".",
        "-",
        "+",
        "..",
        "...",
        "---",
        "._",
        "-._5",
        "-_",
        "_",
        "?",
        ":",
        "- ",
        "|",
        ">",
    ),
    *(
        " a",
        "a ",
        "\ta",
        "a\t",
        "a\tb",
        "a: b",
        "a #b",
        "#a",
        "- a",
        "? a",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a",
        "'",
        '"',
    ),
    *(
        "[",
        "]",
        "{",
        "}",
        ",",
        "a,b",
        "a]",
        "--- a",
        "... a",
        "a:",
        ":a",
        "a\n",
        "\na",
        "\n",
        "\n\n",
        " \n",
        "a\n\n",
        "a\n b",
    ),
    *(
        " a\nb",
        "  a\n b\n",
        "#a\nb",
        "- a\n- b",
        "a\r\nb",
        "a\rb",
        "a\n\tb",
        "a\n---\nb",
        "a \nb",
        "\ta\nb",
        "a\n...\n",
    ),
    *(
        "a\x85b",
        "a\u2028b",
        "a\u2029b",
        "\ufeffa",
        "a\ufeff",
        "\x7f",
        "\x01",
        "\x00",
        "\xa0",
        "\ue000",
        "\U0001f600",
        "é",
    ),
    *(
        "a" * 200,
        "a b " * 60,
        "a: " * 60,
        "é" * 150,
        " " * 120,
        "'" * 120,
        "a\\b",
        "\\",
        "a\\nb",
        "${x}",
        "${a:-b}",
    ),
]
texts = st.one_of(
    st.sampled_from(LOOKS_LIKE_ANOTHER_TYPE),
    st.text(alphabet="0123456789abcefABCEFoOxXyYnN_.,:+-~ \n\t#'\"&*!|>%@`{}[]?=<\\", max_size=12),
    st.text(max_size=30),
)
values: st.SearchStrategy[Json] = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=10,
)


def readings(text: str) -> dict[str, str]:
    """Return what each reader finds, as JSON text: so that types and the order of keys count."""
    found: dict[str, Any] = {
        "ours": read_yaml(text, max_nodes=10_000, max_depth=60)[0],
        "PyYAML": yaml.load(text, Loader=yaml.SafeLoader),
        "ruamel.yaml": YAML(typ="safe", pure=True).load(io.StringIO(text)),
        "ruamel.yaml as 1.1": _ruamel_1_1(text),
    }
    return {reader: json.dumps(value) for reader, value in found.items()}


def _ruamel_1_1(text: str) -> Any:
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)
    return reader.load(io.StringIO(text))


def assert_all_read(text: str, value: Json) -> None:
    assert set(readings(text).values()) == {json.dumps(value)}, text


@pytest.mark.parametrize("text", LOOKS_LIKE_ANOTHER_TYPE)
def test_text_stays_text_for_every_reader(text: str) -> None:
    value: Json = {"value": text, "list": [text, {"a": text}], text + "!": 1, "keys": {text: text}}
    assert_all_read(write_yaml(value), value)
    assert_all_read(write_inline(value), value)


@given(value=values)
def test_every_reader_finds_what_was_written(value: Json) -> None:
    assert_all_read(write_yaml({"value": value}), {"value": value})
    assert_all_read(write_inline({"value": value}), {"value": value})


@given(value=values)
def test_an_edit_means_the_same_to_every_reader_and_keeps_comments(value: Json) -> None:
    before = "name: x  # why\nsteps:\n  - name: a\n    meta: {a: 1,   b: 2}\n    # the end\n"
    after = set_value(before, ("steps", 0, "meta"), {"in": value})
    assert_all_read(after, {"name": "x", "steps": [{"name": "a", "meta": {"in": value}}]})
    assert after.startswith("name: x  # why\nsteps:\n  - name: a\n")
    assert after.endswith("    # the end\n")


def test_codes_are_quoted_and_words_are_not() -> None:
    value: Json = {
        "zip": "018",
        "c": "089",
        "m": "0o17",
        "name": "tea",
        "at": "15m",
        "id": "order-1",
        "host": "a.example",
    }
    assert write_inline(value) == (
        "{zip: '018', c: '089', m: '0o17', name: tea, at: 15m, id: order-1, host: a.example}"
    )
