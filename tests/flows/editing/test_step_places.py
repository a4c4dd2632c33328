"""Where steps stand in a text, and which one a line is in."""

from __future__ import annotations

import pytest

from flows.editing.step_places import step_at, step_places
from flows.problems import FlowInvalid
from tests.flows.pages.test_step_form import TEXT


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (1, None),
        (2, None),
        (3, "create"),
        (6, "create"),
        (9, "choose"),
        (13, "inner"),
        (15, "odd"),
        (99, None),
    ],
)
def test_the_step_is_the_innermost_of_its_line(line: int, name: str | None) -> None:
    found = step_at(step_places(TEXT), line)
    assert (found.step["name"] if found else None) == name


def test_steps_have_their_lines_and_places() -> None:
    assert [(each.dotted, each.first, each.last) for each in step_places(TEXT)] == [
        ("steps.0", 3, 6),
        ("steps.1", 7, 13),
        ("steps.1.meta.branches.0.steps.0", 13, 13),
        ("steps.2", 14, 15),
    ]


@pytest.mark.parametrize(
    "text",
    ["a: 1", "steps:", "steps: 5", "steps: [1, [2]]", "steps: [{meta: 5}]", "x: &x {}\nsteps: [*x, *x]"],
)
def test_odd_documents_have_the_steps_that_they_have(text: str) -> None:
    assert all(isinstance(each.step, dict) for each in step_places(text))


@pytest.mark.parametrize("text", ["", "[", "- 1", "a: &a [*a]", "x: " + "[" * 5_000])
def test_what_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(FlowInvalid):
        step_places(text)
