"""What can be wrong with a flow document, all of it at once and in the order of its places."""

from __future__ import annotations

from collections.abc import Iterable

from steprunners.documents.problems import Place, Problem, problem_at

__all__ = ["MAX_HINTED", "MAX_PROBLEMS", "FlowInvalid", "Place", "Problem", "invalid", "problem_at"]

#: Looking for near names takes a millisecond; after this many problems a hint more helps nobody.
MAX_HINTED = 50
MAX_PROBLEMS = 1_000
_TOP = {"variables": 1, "steps": 2}


class FlowInvalid(Exception):
    """The document cannot be used; `problems` says everything that is wrong with it at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems, each once, in the order of their places."""
        self.problems = sorted(dict.fromkeys(problems), key=_in_document_order)
        if len(self.problems) > MAX_PROBLEMS:
            more = Problem("", "too_many_problems", f"and {len(self.problems) - MAX_PROBLEMS} more problems")
            self.problems = [*self.problems[:MAX_PROBLEMS], more]
        super().__init__("; ".join(f"{each.place}: {each.message}" for each in self.problems[:10]))


def _in_document_order(problem: Problem) -> list[tuple[int, int, str]]:
    head = problem.place.split(".", 1)[0]
    parts = [
        (0, int(part), "") if part.isdecimal() and len(part) < 10 else (1, 0, part)
        for part in problem.place.split(".")
    ]
    return [(_TOP.get(head, 0), 0, ""), *parts]


def invalid(code: str, message: str, place: Place = ()) -> FlowInvalid:
    """Return the error for a document with this one problem."""
    return FlowInvalid([problem_at(place, code, message)])
