"""The table of pairs: each makes a round of two requests about related things, and says what must hold afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.races.racing import Answer, Request
from tests.races.stage import Stage, events, exists

#: Whoever comes second may be told that what they name is gone, taken, or over, as anybody would be who came later:
#: 400 with its place. These codes alone are 400.
LATER = frozenset({
    "does_not_exist", "unknown_resource", "unknown_flow", "unique", "link_over", "wrong_password", "in_use",
})  # fmt: skip

Check = Callable[[Answer, Answer], object]


@dataclass(frozen=True)
class Round:
    """Two requests, and what must hold once both are answered."""

    first: Request
    second: Request
    check: Check


Make = Callable[[Stage], Round]

PAIRS: dict[str, Make] = {}


def pair(name: str) -> Callable[[Make], Make]:
    """Enter the maker of rounds into the table."""

    def enter(make: Make) -> Make:
        if name in PAIRS:
            raise ValueError(name)
        PAIRS[name] = make
        return make

    return enter


def allowed(answer: Answer) -> bool:
    """Whether a request may be answered so: carried out, gone, in conflict, or as one that came later.

    An account that is gone cannot sign in (401); a page shows its form once more, with what is wrong (422).
    """
    return (
        answer.ok or answer.status in (401, 404, 409, 422) or (answer.status == 400 and answer.codes <= LATER)
    )


def once(action: str, target: Any, *answers: Answer) -> None:
    """Check that exactly one request did it, with one event; the others found it gone."""
    assert sum(each.ok for each in answers) == 1, answers
    assert events(action, target) == 1


def gone_or_changed(row: Any, deleted: Answer) -> None:
    """Check that what was deleted stays away."""
    assert exists(row) is not deleted.ok
