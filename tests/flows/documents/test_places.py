"""Places of problems are found in the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.documents.places import positions_of
from flows.problems import Problem

TEXT = """\
name: A flow
variables:
  - {name: base_url, type: string}
steps:
  - name: first
    stepType: http
    meta: &shared
      url: "${base_url}/x"
      headers: {X.Y: "1"}
  - name: second
    stepType: http
    meta: *shared
"""


def at(place: str, message: str = "is wrong", code: str = "x", text: str = TEXT) -> tuple[int, int] | None:
    [position] = positions_of(text, [Problem(place, code, message)])
    return position


@pytest.mark.parametrize(
    ("place", "position"),
    [
        ("name", (1, 1)),
        ("variables.0.type", (3, 22)),
        ("steps.0.meta.url", (8, 7)),
        ("steps.0.meta.headers.X.Y", (9, 17)),
        ("steps.1", (10, 5)),
        ("steps.1.meta.url", (8, 7)),  # where the alias leads
        ("steps.1.extract.nothing", (10, 5)),  # the nearest thing around what is missing
        ("steps.7.name", (4, 1)),
        ("", (1, 1)),
    ],
)
def test_a_place_has_its_line_and_column(place: str, position: tuple[int, int]) -> None:
    assert at(place) == position


def test_a_parser_says_the_line_itself() -> None:
    assert at("", "line 3, column 5: this is not YAML", "parse_error", "a: [") == (3, 5)


def test_text_that_cannot_be_read_has_no_places() -> None:
    assert at("name", text="a: [") is None
    assert at("", "too many values", "too_large") is None


@given(st.text(max_size=200), st.lists(st.text("abc.01", max_size=20), max_size=4))
def test_no_text_and_no_place_is_trouble(text: str, places: list[str]) -> None:
    problems = [Problem(place, "x", "is wrong") for place in places]
    assert len(positions_of(text, problems)) == len(problems)
