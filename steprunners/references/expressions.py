"""The parts of a parsed text with references."""

from __future__ import annotations

from dataclasses import dataclass

from steprunners.json_types import Json


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal argument."""

    value: Json


@dataclass(frozen=True, slots=True)
class Named:
    """A variable, a step's result, `item` or `index`; `path` is a path into it, None means the whole."""

    name: str
    path: str | None


@dataclass(frozen=True, slots=True)
class StepAttribute:
    """`steps.<step>.<attribute>`: a fact about a step other than its result."""

    step: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Fact:
    """`execution.<fact>` or `flow.<fact>`."""

    source: str
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple[Constant | Reference, ...]


Expression = Named | StepAttribute | Fact | Call


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference: `text` is what the user wrote, `default` is used where it has no value."""

    expression: Expression
    default: str | None
    text: str


Part = str | Reference
