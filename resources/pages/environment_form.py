"""The form of an environment: rows of variables and of resource choices, to values and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from resources.models import Environment
from resources.secret_warnings import readable_secrets
from steprunners.documents.problems import Problem
from steprunners.documents.variable_types import VariableType, WrongType, read_text
from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.values.json_text import dumps, reads_as_json

TYPES = tuple(each.value for each in VariableType)


@dataclass
class VariableRow:
    """A variable as its row shows it; `was` is its name where a secret value is kept under it."""

    name: str = ""
    type: str = ""
    value: str = ""
    secret: str = ""
    description: str = ""
    was: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written into the row."""
        return not (self.name or self.value or self.description)

    def to_json(self) -> dict[str, Json]:
        """Return the variable; a secret without a value keeps the one that is kept under its name."""
        kept = bool(self.secret and self.was and self.was == self.name and self.value == "")
        shown: dict[str, Json] = {"name": self.name, "value": MASK if kept else self._value()}
        shown |= {"type": self.type} if self.type else {}
        shown |= {"secret": True} if self.secret else {}
        return shown | ({"description": self.description} if self.description else {})

    def _value(self) -> Json:
        if self.type == VariableType.STRING:
            return self.value
        if self.value == "":
            return None
        try:
            return read_text(VariableType(self.type or "json"), self.value, "value")
        except (WrongType, ValueError):
            return self.value  # of the wrong type: the check says so; without a type it is text


@dataclass
class ChoiceRow:
    """A resource choice: the name that flows use, and the id of the resource to use instead."""

    name: str = ""
    resource: str = ""
    problems: list[str] = field(default_factory=list)


def rows_of(environment: Environment | None) -> tuple[list[VariableRow], list[ChoiceRow]]:
    """Return the rows of what is saved; values of secret variables are not in them."""
    if environment is None:
        return [], []
    kept = readable_secrets(environment)
    variables = [_row(each, is_kept=each["name"] in kept) for each in environment.variables]
    return variables, [ChoiceRow(name, str(pk)) for name, pk in environment.resources.items()]


def _row(variable: Mapping[str, Any], *, is_kept: bool) -> VariableRow:
    kind, secret = variable.get("type", ""), bool(variable.get("secret"))
    return VariableRow(
        name=variable["name"],
        type=kind,
        value="" if secret else _text(variable.get("value"), kind),
        secret="yes" if secret else "",
        description=variable.get("description", ""),
        was=variable["name"] if is_kept else "",
    )


def _text(value: Json, kind: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and (kind not in ("", VariableType.JSON) or not (kind or reads_as_json(value))):
        return value
    return dumps(value, ensure_ascii=False)


def sent_rows(data: QueryDict) -> tuple[list[VariableRow], list[ChoiceRow]]:
    """Return the rows that a form sent, without those that were left empty."""
    columns = ("name", "type", "value", "secret", "description", "was")
    variables = [
        VariableRow(name, kind, value, secret, description, was)
        for name, kind, value, secret, description, was in _columns(data, "variable", columns)
    ]
    choices = [ChoiceRow(name, pk) for name, pk in _columns(data, "choice", ("name", "resource"))]
    return [row for row in variables if not row.is_empty], [
        row for row in choices if row.name or row.resource
    ]


def _columns(data: QueryDict, prefix: str, names: Sequence[str]) -> Iterable[tuple[str, ...]]:
    # A browser sends every field of every row, in their order; what somebody else sends may be uneven.
    return zip(*(data.getlist(f"{prefix}.{name}") for name in names), strict=False)


def choices_json(rows: Iterable[ChoiceRow]) -> tuple[dict[str, Json], list[Problem]]:
    """Return the choices, and what only their rows can have wrong: a name twice, or none."""
    choices: dict[str, Json] = {}
    problems = []
    for row in rows:
        if not row.name or row.name in choices:
            message = f"'{row.name}' has two choices" if row.name else "enter the name that flows use"
            problems.append(Problem("resources", "bad_choice", message))
        else:
            choices[row.name] = row.resource
    return choices, problems


def tell(problems: Iterable[Problem], variables: list[VariableRow], choices: list[ChoiceRow]) -> list[str]:
    """Put each problem beside its row; return those that belong to none."""
    others = []
    by_name = {row.name: row for row in choices}
    for problem in problems:
        root, _, rest = problem.place.partition(".")
        number = rest.partition(".")[0]
        if root == "variables" and number.isdecimal() and int(number) < len(variables):
            variables[int(number)].problems.append(problem.message)
        elif root == "resources" and rest in by_name:
            by_name[rest].problems.append(problem.message)
        elif problem.place not in ("name", "description"):
            others.append(problem.message)
    return others
