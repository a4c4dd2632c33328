"""The variables of a flow: their declaration, and whether a value has their type."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from steprunners.config import Wire
from steprunners.documents.envelope import StepName
from steprunners.documents.variable_types import VariableType, WrongType, as_type, typed
from steprunners.documents.variable_types import read_text as read_typed_text
from steprunners.json_types import Json

__all__ = ["Variable", "WrongType", "check_value", "read_text"]


class Variable(Wire):
    """A variable of a flow; a `default_value` of null is no default."""

    name: StepName
    type: Annotated[VariableType, BeforeValidator(as_type)] = VariableType.STRING
    default_value: Json = None
    description: str = Field("", max_length=2_000)
    required: bool = False
    secret: bool = False


def check_value(variable: Variable, value: Json) -> Json:
    """Return the value as the variable's type has it; raise WrongType, naming the variable, where it has another."""
    return typed(variable.type, value, variable.name)


def read_text(variable: Variable, text: str) -> Json:
    """Return the value that `text` spells, as a command line or a form has it; raise WrongType where it is none."""
    return read_typed_text(variable.type, text, variable.name)
