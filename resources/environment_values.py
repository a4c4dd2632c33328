"""The variables and resource choices of an environment: checked, and split into what is shown and what is secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from accounts.models import Team
from resources.configuration import Invalid
from resources.models import Environment, Resource
from steprunners.config import Wire
from steprunners.documents.envelope import RESERVED_NAMES, StepName
from steprunners.documents.problems import Problem, kind_of, problem_at
from steprunners.documents.validation_errors import problems_of
from steprunners.documents.variable_types import VariableType, WrongType, as_type, typed
from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.values.suggestions import did_you_mean

MAX_VARIABLES = 500


class EnvironmentVariable(Wire):
    """A variable of an environment; one without a type takes any JSON value."""

    name: StepName
    value: Json = None
    type: Annotated[VariableType | None, BeforeValidator(as_type)] = None
    secret: bool = False
    description: str = Field("", max_length=2_000)


@dataclass
class Values:
    """What an environment keeps: its variables (values of secret ones null), and the values of secret ones."""

    variables: list[dict[str, Json]] = field(default_factory=list)
    secrets: dict[str, Json] = field(default_factory=dict)


def read_variables(raw: Any, kept: Mapping[str, Json] | None = None) -> Values:
    """Return the checked variables; a secret value sent as the mask stays what it is in `kept`.

    Raises Invalid with everything that is wrong.
    """
    if not isinstance(raw, list) or len(raw) > MAX_VARIABLES:
        message = f"variables must be a list of at most {MAX_VARIABLES} variables"
        raise Invalid([problem_at(("variables",), "list_type", message)])
    values = Values()
    problems: list[Problem] = []
    names: set[str] = set()
    for index, each in enumerate(raw):
        found = list(_problems(each, index, names, kept or {}))
        problems += found
        if not found:
            _take(EnvironmentVariable.model_validate(each), values, kept or {})
    if problems:
        raise Invalid(problems)
    return values


def _problems(raw: Any, index: int, names: set[str], kept: Mapping[str, Json]) -> Iterator[Problem]:
    place = ("variables", index)
    try:
        variable = EnvironmentVariable.model_validate(raw, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        yield from problems_of(error, raw, EnvironmentVariable, place, allows_references=False)
        return
    if variable.name in RESERVED_NAMES:
        yield problem_at((*place, "name"), "reserved_name", f"'{variable.name}' is a reserved name")
    if variable.name in names:
        message = f"there is already a variable named '{variable.name}'"
        yield problem_at((*place, "name"), "duplicate_name", message)
    names.add(variable.name)
    message_or_none = _value_problem(variable, kept)
    if message_or_none is not None:
        yield problem_at((*place, "value"), "wrong_value", message_or_none)


def _value_problem(variable: EnvironmentVariable, kept: Mapping[str, Json]) -> str | None:
    if variable.value == MASK:
        is_kept = variable.secret and variable.name in kept
        return None if is_kept else f"{MASK} stands for a stored secret, and there is none"
    if variable.type is None or variable.value is None:
        return None
    try:
        typed(variable.type, variable.value, "value")
    except WrongType as error:
        return str(error)
    return None


def _take(variable: EnvironmentVariable, values: Values, kept: Mapping[str, Json]) -> None:
    value = kept.get(variable.name) if variable.value == MASK else variable.value
    if variable.type is not None and value is not None:
        value = typed(variable.type, value, "value")
    shown: dict[str, Json] = {"name": variable.name, "value": None if variable.secret else value}
    shown |= {"type": variable.type.value} if variable.type else {}
    shown |= {"secret": True} if variable.secret else {}
    shown |= {"description": variable.description} if variable.description else {}
    values.variables.append(shown)
    if variable.secret and value is not None:
        values.secrets[variable.name] = value


def read_choices(raw: Any, team: Team) -> dict[str, str]:
    """Return `{name used in flows: id of the team's resource}`; ids and names are taken.

    Raises Invalid with everything that is wrong.
    """
    if not isinstance(raw, dict):
        message = f"resources must be an object, not {kind_of(raw)}"
        raise Invalid([problem_at(("resources",), "dict_type", message)])
    rows = Resource.objects.filter(team=team).values_list("id", "name")
    known = {str(pk): str(pk) for pk, _ in rows} | {name: str(pk) for pk, name in rows}
    problems = [
        problem_at(
            ("resources", name), "unknown_resource", f"the team has no such resource{_hint(wanted, known)}"
        )
        for name, wanted in raw.items()
        if not isinstance(wanted, str) or wanted not in known
    ]
    if problems:
        raise Invalid(problems)
    return {name: known[wanted] for name, wanted in raw.items()}


def _hint(wanted: Any, known: Mapping[str, str]) -> str:
    return did_you_mean(wanted, known) if isinstance(wanted, str) else ""


def shown_variables(environment: Environment) -> list[dict[str, Json]]:
    """Return the variables as they are shown: the value of a secret one reads as the mask."""
    return [{**each, "value": MASK} if each.get("secret") else each for each in environment.variables]
