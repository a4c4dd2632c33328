"""Problems in a document that a user wrote: each has a place, a code and a message for a tester."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem; `place` is a path such as `steps.2.meta.url`, empty for the whole document."""

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
    """Return the kind of the value in words such as "text" or "a list"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {int: "a whole number", float: "a decimal number", str: "text", list: "a list", dict: "an object"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "null")
