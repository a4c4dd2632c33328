"""Reading the variables that a raw document declares: names, types, defaults, secrets that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from flows.documents.names import check_default
from flows.documents.step_checks import model_problems
from flows.documents.variables import Variable, WrongType, check_value
from flows.problems import Place, Problem, problem_at
from steprunners.json_types import Json
from steprunners.references.resolution import MASK, holds_reference

MAX_VARIABLES = 500


def variable_names(raw: Any) -> list[tuple[Place, str]]:
    """Return the name of every variable that has one, with the variable's place."""
    return [
        (("variables", index), each["name"])
        for index, each in enumerate(raw if isinstance(raw, list) else [])
        if isinstance(each, dict) and isinstance(each.get("name"), str)
    ]


def read_variables(
    raw: Any, secrets: Mapping[str, Json], known_names: Set[str], problems: list[Problem]
) -> list[Variable]:
    """Return the variables that can be read, and add what is wrong with the others to `problems`.

    A secret default sent as the mask keeps the value that it has in `secrets`.
    """
    if raw is None:
        return []
    if not isinstance(raw, list) or len(raw) > MAX_VARIABLES:
        message = f"variables must be a list of at most {MAX_VARIABLES} variables"
        problems.append(problem_at(("variables",), "list_type", message))
        return []
    all_names = {name for _, name in variable_names(raw)}
    above = set(known_names)
    variables = []
    for index, each in enumerate(raw):
        variable = _read_variable(each, ("variables", index), secrets, problems)
        if variable is None:
            continue
        place = ("variables", index, "defaultValue")
        problems += check_default(variable.default_value, place, above, all_names)
        above.add(variable.name)
        variables.append(variable)
    return variables


def _read_variable(
    raw: Any, place: Place, secrets: Mapping[str, Json], problems: list[Problem]
) -> Variable | None:
    found = model_problems(raw, Variable, place)
    if found:
        problems += found
        return None
    variable = Variable.model_validate(raw)
    at = (*place, "defaultValue")
    if variable.default_value == MASK and not (variable.secret and variable.name in secrets):
        message = f"{MASK} stands for a stored secret, and there is none: give the value"
        problems.append(problem_at(at, "masked", message))
    elif variable.default_value == MASK:
        variable.default_value = secrets[variable.name]
    elif (wrong := _default_problem(variable)) is not None:
        problems.append(problem_at(at, "wrong_type", wrong))
    return variable


def _default_problem(variable: Variable) -> str | None:
    default = variable.default_value
    if default is None or (isinstance(default, str) and holds_reference(default)):
        return None  # the type of a reference's value is known when it is evaluated
    try:
        variable.default_value = check_value(variable, default)
    except WrongType as error:
        return str(error).replace(variable.name, "defaultValue", 1)
    return None
