"""What can be wrong with a document that a user wrote: each problem has its place, a code and words for a tester."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `place` is where (`steps.2.meta.url`; empty for the document as a whole)."""

    place: str
    code: str
    message: str

    def to_json(self) -> dict[str, str | None]:
        """Return it in the form of the API's errors: `{code, detail, attr}`."""
        return {"code": self.code, "detail": self.message, "attr": self.place or None}


def problem_at(place: Place, code: str, message: str) -> Problem:
    """Return a problem at the place given as keys and indices."""
    return Problem(".".join(str(part) for part in place), code, message)


def kind_of(value: Any) -> str:
    """Return what the value is, in words such as "text" or "a list"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {int: "a whole number", float: "a decimal number", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "null")
