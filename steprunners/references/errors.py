"""What can be wrong with a reference: one error tree, each with the place in the value and a message."""

from __future__ import annotations

Place = tuple[str | int, ...]


class ReferenceProblem(Exception):
    """A reference that cannot be used; `path` is the place of its text inside the value.

    - ReferenceSyntaxError: the text between the braces is not a reference
    - UnresolvedReference: nothing has the name, or nothing is at the path
    - CutReference: what it asks for was cut from a result too large to store
    - BadArgument: a function cannot work with its arguments
    - UnsafeValue: the value cannot stand in the text around it (header, URL, query)
    """

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
    """The reference has no value."""


class CutReference(ReferenceProblem):
    """The reference reads a part of a result that was cut when it was stored."""


class BadArgument(ReferenceProblem):
    """A function cannot work with its arguments."""


class UnsafeValue(ReferenceProblem):
    """The value cannot stand in the text around it."""
