"""The errors of references: each has a message and a place in the value."""

from __future__ import annotations

Place = tuple[str | int, ...]


class ReferenceProblem(Exception):
    """A reference that cannot be used; `path` is the place of its text inside the value."""

    def __init__(self, message: str, *, path: Place = ()) -> None:
        """Keep the message, and the place once it is known."""
        super().__init__(message)
        self.message = message
        self.path = path

    def __str__(self) -> str:
        return self.message


class ReferenceSyntaxError(ReferenceProblem):
    """The text between the braces is not a reference."""


class UnresolvedReference(ReferenceProblem):
    """The reference has no value: the name is unknown, or there is no value at the path."""


class CutReference(ReferenceProblem):
    """The reference reads a part of a result that was cut when it was stored."""


class BadArgument(ReferenceProblem):
    """A function cannot work with its arguments."""


class UnsafeValue(ReferenceProblem):
    """The value is not allowed in the text around it (header, URL, query)."""
