"""The config of a resource: checked by its connection class, and split into what is shown and what is secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from steprunners.base import ConnectionConfig
from steprunners.json_types import Json
from steprunners.masking import MASK
from steprunners.problems import Problem, kind_of, problem_at
from steprunners.registry import connection_classes
from steprunners.suggestions import did_you_mean
from steprunners.wording import problems_of


class Invalid(Exception):
    """What was sent cannot be saved; `problems` says everything that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems."""
        super().__init__("; ".join(f"{each.place}: {each.message}" for each in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Configuration:
    """A config that its connection class accepts: what is shown, and what is kept encrypted."""

    shown: dict[str, Json]
    secrets: dict[str, Json]


def connection_class_of(resource_type: str) -> type[ConnectionConfig]:
    """Return the connection class of the type; raise Invalid where there is none."""
    known = connection_classes()
    if resource_type not in known:
        hint = did_you_mean(resource_type, known) or f"; there are {', '.join(sorted(known))}"
        message = f"there is no resource type '{resource_type[:80]}'{hint}"
        raise Invalid([problem_at(("type",), "unknown_resource_type", message)])
    return known[resource_type]


def configure(resource_type: str, config: Any, kept: Mapping[str, Json] | None = None) -> Configuration:
    """Return the checked config; a secret field sent as the mask keeps its value from `kept`.

    Raises Invalid with everything that is wrong.
    """
    model = connection_class_of(resource_type)
    if not isinstance(config, dict):
        message = f"config must be an object, not {kind_of(config)}"
        raise Invalid([problem_at(("config",), "dict_type", message)])
    secret_fields = model.secret_fields()
    masked = [name for name in secret_fields if config.get(name) == MASK]
    missing = [name for name in masked if name not in (kept or {})]
    whole = {**config, **{name: value for name, value in (kept or {}).items() if name in masked}}
    problems = [
        problem_at(("config", name), "masked", f"{MASK} is not a value: give {name}") for name in missing
    ]
    problems += _problems(model, {name: value for name, value in whole.items() if name not in missing})
    if problems:
        raise Invalid(problems)
    given = {name: value for name, value in whole.items() if value is not None}
    return Configuration(
        shown={name: value for name, value in given.items() if name not in secret_fields},
        secrets={name: value for name, value in given.items() if name in secret_fields},
    )


def _problems(model: type[ConnectionConfig], config: dict[str, Any]) -> list[Problem]:
    try:
        model.model_validate(config, by_alias=True, by_name=False)
    except ValidationError as error:
        return problems_of(error, config, model, ("config",), allows_references=False)
    return []


def masked(shown: Mapping[str, Json], secrets: Mapping[str, Json] | None) -> dict[str, Json]:
    """Return the config as it is shown: every secret that is set reads as the mask."""
    return {**shown, **dict.fromkeys(secrets or {}, MASK)}
