"""What can be wrong with a flow document: each problem has its place, a code and words for a tester."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Place = tuple[str | int, ...]
#: Looking for near names takes a millisecond; after this many problems a hint more helps nobody.
MAX_HINTED = 50
MAX_PROBLEMS = 1_000
_TOP = {"variables": 1, "steps": 2}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `place` is where (`steps.2.meta.url`; empty for the document as a whole)."""

    place: str
    code: str
    message: str

    def to_json(self) -> dict[str, str | None]:
        """Return it in the form of the API's errors: `{code, detail, attr}`."""
        return {"code": self.code, "detail": self.message, "attr": self.place or None}


class FlowInvalid(Exception):
    """The document cannot be used; `problems` says everything that is wrong with it at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems, each once, in the order of their places."""
        self.problems = sorted(dict.fromkeys(problems), key=_in_document_order)
        if len(self.problems) > MAX_PROBLEMS:
            more = Problem("", "too_many_problems", f"and {len(self.problems) - MAX_PROBLEMS} problems more")
            self.problems = [*self.problems[:MAX_PROBLEMS], more]
        super().__init__("; ".join(f"{each.place}: {each.message}" for each in self.problems[:10]))


def _in_document_order(problem: Problem) -> list[tuple[int, int, str]]:
    head = problem.place.split(".", 1)[0]
    parts = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in problem.place.split(".")]
    return [(_TOP.get(head, 0), 0, ""), *parts]


def problem_at(place: Place, code: str, message: str) -> Problem:
    """Return a problem at the place given as keys and indices."""
    return Problem(".".join(str(part) for part in place), code, message)


def invalid(code: str, message: str, place: Place = ()) -> FlowInvalid:
    """Return the error for a document with this one problem."""
    return FlowInvalid([problem_at(place, code, message)])
