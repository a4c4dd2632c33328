"""Statuses look the same on the server and in the browser, and every status has a look."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from executions.pages.status_badges import BADGES
from executions.states import ExecutionStatus, StepStatus
from executions.templatetags.runs import duration


def test_every_status_has_a_look() -> None:
    assert set(BADGES) == set(ExecutionStatus.values) | set(StepStatus.values)


def test_the_browser_has_the_same_table() -> None:
    script = (settings.BASE_DIR / "static/js/status.js").read_text()
    table = re.findall(r'^  ([A-Z_]+): \["(\w+)", "(\w+)", "(\w+)"\],$', script, re.MULTILINE)
    assert {status: tuple(look) for status, look in BADGES.items()} == {row[0]: row[1:] for row in table}


def test_every_look_has_an_icon_of_its_own() -> None:
    sprite = (settings.BASE_DIR / "static/icons.svg").read_text()
    assert all(f'<symbol id="{look.icon}"' in sprite for look in BADGES.values())
    assert len({look.icon for look in BADGES.values()}) == 8  # SUCCESS and COMPLETED share one


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1.00 s"),
        (12_345, "12.3 s"),
        (185_000, "3 min 05 s"),
        (7_800_000, "2 h 10 min"),
    ],
)
def test_durations_are_told_for_people(value: int | None, text: str) -> None:
    assert duration(value) == text
