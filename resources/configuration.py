"""The config of a resource: checked by its connection class, and split into what is shown and what is secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from resources.secrets.entries import apart, together
from steprunners.clients.bindings import Changes, changes
from steprunners.config import ConnectionConfig
from steprunners.documents.problems import Problem, kind_of, problem_at
from steprunners.documents.validation_errors import problems_of
from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.masking.masker import texts_of
from steprunners.registry import connection_classes
from steprunners.values.suggestions import did_you_mean


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


def configure(
    resource_type: str,
    config: Any,
    kept: Mapping[str, Json] | None = None,
    before: Mapping[str, Json] | None = None,
) -> Configuration:
    """Return the checked config; a secret field sent as the mask keeps its value from `kept`.

    Not so where the server is another one than in `before`, the config so far, or the way there is less protected
    (`bindings`): whoever may change a resource could else have a secret sent to where they read it. Raises
    Invalid with everything that is wrong.
    """
    model = connection_class_of(resource_type)
    if not isinstance(config, dict):
        message = f"config must be an object, not {kind_of(config)}"
        raise Invalid([problem_at(("config",), "dict_type", message)])
    shown, given = _split(model, config)
    known = kept or {}
    masked = {name for name, value in given.items() if value == MASK}
    secrets = {name: known.get(name) if name in masked else value for name, value in given.items()}
    problems = _mask_problems(given, known)
    wrong = {each.place for each in problems}
    if masked and not problems and before is not None:
        problems = _binding_problems(changes(model, before, shown), masked)
    right = {name: value for name, value in secrets.items() if f"config.{name}" not in wrong}
    problems += _problems(model, together(shown, right))
    if problems:
        raise Invalid(problems)
    return Configuration(shown=_set(shown), secrets=_set(secrets))


def _split(model: type[ConnectionConfig], config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what of the config is shown, and what is secret: fields, and entries of objects."""
    plain, entries = apart(config, model.secret_entries())
    fields = {name: plain.pop(name) for name in model.secret_fields() & plain.keys()}
    return plain, {**fields, **entries}


def _set(values: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in values.items() if value is not None}


def _mask_problems(given: Mapping[str, Any], kept: Mapping[str, Json]) -> list[Problem]:
    """Return what is wrong with masks: one without a value to keep, and one inside a secret object."""
    return [
        problem_at(("config", name), "masked", f"{MASK} is not a value: give {name}")
        for name, value in given.items()
        if (name not in kept if value == MASK else MASK in _texts(value))
    ]


def _texts(value: Any) -> list[str]:
    try:
        return texts_of(value)
    except RecursionError:
        return []  # the model refuses it


def _binding_problems(found: Changes, masked: Iterable[str]) -> list[Problem]:
    """Return a problem for each secret that cannot stay, as the fields that it is bound to have not stayed."""
    if found.moved:
        code, why = (
            "moved",
            "the resource now connects to another server: enter {} again, or the one for that server",
        )
    else:
        code, why = "weakened", "the connection would now be less protected: enter {} again"
    what = ", ".join((*found.moved, *found.weakened))
    if not what:
        return []
    return [
        problem_at(("config", name), code, f"{why.format(name)} (changed: {what})") for name in sorted(masked)
    ]


def _problems(model: type[ConnectionConfig], config: dict[str, Any]) -> list[Problem]:
    try:
        model.model_validate(config, by_alias=True, by_name=False)
    except ValidationError as error:
        return problems_of(error, config, model, ("config",), allows_references=False)
    return []


def masked(shown: Mapping[str, Json], secrets: Mapping[str, Json] | None) -> dict[str, Json]:
    """Return the config as it is shown: every secret that is set reads as the mask."""
    return together(shown, dict.fromkeys(secrets or {}, MASK))
