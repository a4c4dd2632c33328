"""Edits change their place and nothing else: values by law, layout and comments by example."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flows.documents.parsing import parse_body
from flows.editing.edits import CannotEdit, insert_item, remove, set_value
from flows.yaml.text import write_inline, write_yaml
from steprunners.json_types import Json

TEXT = """\
# Orders
name: Orders  # shown in lists
steps:
  # first of all
  - name: create
    stepType: http
    meta: {method: POST, url: "${base_url}/orders"}  # quick
    assertions:
      - {field: status, operator: equals, expectedValue: 201}

  - name: row  # in the ledger
    stepType: sql
    meta:
      resourceId: shop-db
      # the newest
      query: |
        select 1
        from x
      readOnly: true  # of course
# the end
"""


def read(text: str) -> Any:
    return parse_body(text.encode(), "application/yaml")


def changed(edited: str) -> tuple[list[str], list[str]]:
    """Return the lines that TEXT lost, and those that it won."""
    before, after = TEXT.split("\n"), edited.split("\n")
    return [line for line in before if line not in after], [line for line in after if line not in before]


# --- Layout and comments --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value", "lost", "won"),
    [
        (("name",), "Other", "name: Orders  # shown in lists", "name: Other  # shown in lists"),
        (
            ("steps", 1, "meta", "readOnly"),
            False,
            "      readOnly: true  # of course",
            "      readOnly: false  # of course",
        ),
        (
            ("steps", 0, "meta", "url"),
            "http://x, y",
            '    meta: {method: POST, url: "${base_url}/orders"}  # quick',
            "    meta: {method: POST, url: 'http://x, y'}  # quick",
        ),
        (
            ("steps", 0, "meta", "query"),
            {"a": 1},
            '    meta: {method: POST, url: "${base_url}/orders"}  # quick',
            '    meta: {method: POST, url: "${base_url}/orders", query: {a: 1}}  # quick',
        ),
        (("steps", 1, "meta", "maxRows"), 5, None, "      maxRows: 5"),
        (("steps", 1, "retry", "maxRetries"), 2, None, "    retry: {maxRetries: 2}"),
        (("description",), "yes", None, "description: 'yes'"),
        (("labels",), [], None, "labels: []"),
    ],
)
def test_a_value_is_set_at_its_place(place: tuple[Any, ...], value: Json, lost: str | None, won: str) -> None:
    assert changed(set_value(TEXT, place, value)) == ([lost] if lost else [], [won])


def test_several_lines_become_a_block() -> None:
    edited = set_value(TEXT, ("steps", 1, "meta", "query"), "select 2\nfrom y\nwhere z")
    assert "      query: |-\n        select 2\n        from y\n        where z\n      readOnly" in edited
    beside_a_comment = set_value(TEXT, ("name",), "a\nb")
    assert 'name: "a\\nb"  # shown in lists' in beside_a_comment


def test_a_block_becomes_a_line() -> None:
    edited = set_value(TEXT, ("steps", 1, "meta", "query"), "select 1")
    assert "      # the newest\n      query: select 1\n      readOnly: true  # of course" in edited


@pytest.mark.parametrize(
    ("place", "lost"),
    [
        (("steps", 1, "meta", "readOnly"), ["      readOnly: true  # of course"]),
        (("steps", 1, "stepType"), ["    stepType: sql"]),
        (("steps", 1, "meta", "query"), ["      query: |", "        select 1", "        from x"]),
    ],
)
def test_a_key_is_removed_with_its_lines(place: tuple[Any, ...], lost: list[str]) -> None:
    assert changed(remove(TEXT, place)) == (lost, [])


@pytest.mark.parametrize(
    ("place", "won"),
    [
        (("steps", 0, "meta", "url"), "    meta: {method: POST}  # quick"),
        (("steps", 0, "meta", "method"), '    meta: {url: "${base_url}/orders"}  # quick'),
        (("steps", 0, "name"), "  - stepType: http"),
    ],
)
def test_a_key_is_removed_from_its_line(place: tuple[Any, ...], won: str) -> None:
    assert won in changed(remove(TEXT, place))[1]


def test_a_step_is_inserted_between_others() -> None:
    step: dict[str, Json] = {"name": "wait", "stepType": "delay", "meta": {"delayMs": 5}}
    lines = ["  - name: wait", "    stepType: delay", "    meta: {delayMs: 5}"]
    for index in (0, 1, 2):
        edited = insert_item(TEXT, ("steps", index), step)
        assert changed(edited) == ([], lines)
        assert read(edited)["steps"][index] == step
    assert "expectedValue: 201}\n\n  - name: wait" in insert_item(TEXT, ("steps", 1), step)


@pytest.mark.parametrize(
    "steps", ["steps: []", "steps:", "steps: # none yet", "labels: []", "{name: x}", "{}"]
)
def test_the_first_step_is_inserted(steps: str) -> None:
    step: dict[str, Json] = {"name": "wait", "stepType": "delay", "meta": {"query": "a\nb"}}
    text = steps if steps.startswith("{") else f"name: x\n{steps}\n"

    assert read(insert_item(text, ("steps", 0), step))["steps"] == [step]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: &x {b: 1}\nc: *x\n", ("c", "b")),
        ("a: &x {b: 1}\nc: *x\n", ("a",)),
        ("a: [1]\n", ("a", "b")),
        ("a: 1\n", ("a", "b", "c")),
        ("a: [", ("a",)),
        ("- 1", ("a",)),
        ("", ("a",)),
        ("a: 1\n---\nb: 1\n", ("a",)),
    ],
)
def test_what_cannot_be_done_at_one_place_is_refused(text: str, place: tuple[Any, ...]) -> None:
    with pytest.raises(CannotEdit):
        set_value(text, place, {"b": 2})


# --- Laws -----------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [
        "",
        " ",
        "a: b",
        "# no",
        "- x",
        "yes",
        "1",
        "null",
        "a\nb",
        "a\n\n b\n",
        "{",
        "'\"",
        "|",
        "x #y",
        "\u2028",
        "\x85",
        "🙂",
    ]
)
keys = texts.filter(str.isprintable)  # what YAML writes as `? key` is refused
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(keys, values, min_size=1, max_size=4)


@settings(max_examples=40)
@given(values)
def test_one_line_says_the_value(value: Json) -> None:
    written = write_inline(value)
    assert "\n" not in written
    assert read(f"{{a: {written}, b: 1}}") == {"a": value, "b": 1}
    assert read(f"a: {written} # note\n") == {"a": value}


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places of everything inside an object or list that is named by a key."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [
        each
        for key, child in inner
        for each in ([(*place, key)] if isinstance(key, str) else []) + places(child, (*place, key))
    ]


def parent_of(document: Any, place: tuple[Any, ...]) -> Any:
    for part in place[:-1]:
        document = document[part]
    return document


@settings(max_examples=30)
@given(st.data(), documents, values, st.booleans())
def test_setting_and_removing_change_one_value(
    data: st.DataObject, document: dict[str, Json], value: Json, inline: bool
) -> None:
    text = write_inline(document) if inline else write_yaml(document)
    assume(read(text) == document)
    place = data.draw(st.sampled_from(places(document)))
    expected = copy.deepcopy(document)

    parent_of(expected, place)[place[-1]] = value
    edited = set_value(text, place, value)
    assert read(edited) == expected

    del parent_of(expected, place)[place[-1]]
    assert read(remove(edited, place)) == expected


@settings(max_examples=20)
@given(documents, keys, values, st.booleans())
def test_a_new_key_is_added(document: dict[str, Json], key: str, value: Json, inline: bool) -> None:
    assume(key not in document)
    text = write_inline(document) if inline else write_yaml(document)
    assert read(set_value(text, (key,), value)) == {**document, key: value}


@settings(max_examples=20)
@given(st.lists(documents, max_size=3), documents, st.data(), st.booleans())
def test_an_item_is_inserted(
    items: list[Any], item: dict[str, Json], data: st.DataObject, inline: bool
) -> None:
    index = data.draw(st.integers(0, len(items)))
    document: Any = {"name": "x", "steps": items}
    text = write_inline(document) if inline else write_yaml(document)
    edited = insert_item(text, ("steps", index), item)
    assert read(edited) == {"name": "x", "steps": [*items[:index], item, *items[index:]]}
