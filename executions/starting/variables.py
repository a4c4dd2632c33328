"""The values of an execution's variables: from the run request, the environment, or the flow's defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executions.known_secrets import TOO_MANY, TOO_MANY_MESSAGE, are_too_many
from flows.documents.document import FlowDocument, Problem
from flows.documents.variables import Variable, WrongType, check_value
from resources.models import Environment
from steprunners.json_types import Json
from steprunners.masking.known_secrets import KnownSecrets
from steprunners.masking.masker import texts_of
from steprunners.references.resolution import MASK, ReferenceProblem, Resolved, Scope, resolve_tracked
from steprunners.values.suggestions import did_you_mean


@dataclass
class Values:
    """The evaluated variables: `shown` is what is stored and shown, `secrets` what is encrypted."""

    shown: list[dict[str, Json]] = field(default_factory=list)
    secrets: dict[str, Json] = field(default_factory=dict)
    plain: dict[str, Json] = field(default_factory=dict)
    #: Every secret text by now: the secret variables', those from elsewhere, and what functions made of them.
    known: KnownSecrets = field(default_factory=KnownSecrets)
    too_many: bool = False
    problems: list[Problem] = field(default_factory=list)

    def add(self, name: str, kind: str, value: Json, *, secret: bool) -> None:
        """Keep a value."""
        self.plain[name] = value
        shown = MASK if secret else value
        self.shown.append({"name": name, "type": kind, "value": shown, "secret": secret})
        if secret:
            self.secrets[name] = value
            self.learn(texts_of(value))

    def learn(self, texts: list[str]) -> None:
        """Add secret texts. If they are too many, the run is refused, and nothing is searched for them."""
        self.too_many = self.too_many or are_too_many({*self.known.texts, *texts})
        if not self.too_many:
            self.known.add(texts)

    def hide(self) -> None:
        """Make every variable secret whose value holds a secret text."""
        masker = self.known.masker
        for each in self.shown:
            if not each["secret"] and masker.mask(each["value"]) != each["value"]:
                self.secrets[str(each["name"])] = each["value"]
                each.update(value=MASK, secret=True)


def evaluate(
    document: FlowDocument,
    given: Sequence[Mapping[str, Any]],
    environment: Environment | None,
    secret_texts: Iterable[str] = (),
) -> Values:
    """Return every variable's value, evaluated once, and all problems: unknown, missing, of the wrong type.

    A value that holds a secret, or was made from one, is secret too. A given value may be marked `secret: True`: a
    re-run knows what was secret before. `secret_texts` are secrets from elsewhere.
    """
    values = Values()
    values.learn([*secret_texts])
    settings = _environment(environment)
    declared = {variable.name: variable for variable in document.variables}
    runs = _given(given, declared, settings, values)
    told = {each["name"] for each in given if each.get("secret")}
    for name, setting in settings.items():
        if name not in declared:
            value = runs.get(name, setting["value"])
            secret = bool(setting.get("secret")) or name in told
            values.add(name, setting.get("type") or "string", value, secret=secret)
    for variable in document.variables:
        _evaluate_one(variable, runs, settings.get(variable.name), values, secret=variable.name in told)
    if values.too_many:
        values.problems.append(Problem("variables", TOO_MANY, TOO_MANY_MESSAGE))
    else:
        values.hide()
    return values


def _environment(environment: Environment | None) -> dict[str, dict[str, Any]]:
    if environment is None:
        return {}
    secrets = environment.secrets or {}
    return {
        each["name"]: {**each, "value": secrets.get(each["name"], each.get("value"))}
        for each in environment.variables
    }


def _given(
    given: Sequence[Mapping[str, Any]],
    declared: Mapping[str, Variable],
    settings: Mapping[str, Any],
    values: Values,
) -> dict[str, Json]:
    """Return the run's values by name; add a problem for each unknown or repeated name and each wrong type."""
    runs: dict[str, Json] = {}
    for index, each in enumerate(given):
        name = str(each.get("name"))
        problem = _problem_with(name, each, declared, settings, runs)
        if problem is not None:
            values.problems.append(Problem(f"variables.{index}.{problem[0]}", problem[1], problem[2]))
        runs[name] = each.get("value")
    return runs


def _problem_with(
    name: str,
    each: Mapping[str, Any],
    declared: Mapping[str, Variable],
    settings: Mapping[str, Any],
    runs: Mapping[str, Json],
) -> tuple[str, str, str] | None:
    if name in runs:
        return "name", "duplicate", f"{name} is given more than once"
    if name not in declared and name not in settings:
        hint = did_you_mean(name, [*declared, *settings])
        return "name", "unknown", f"the flow has no variable {name}{hint}"
    if name not in declared:
        return None
    variable = declared[name]
    kind = each.get("type")
    if kind is not None and str(kind).lower() != variable.type.value:
        return "type", "wrong_type", f"{name} is of type {variable.type.value}, not {kind}"
    try:
        check_value(variable, each.get("value"))
    except WrongType as problem:
        return "value", "wrong_type", str(problem)
    return None


def _evaluate_one(
    variable: Variable,
    runs: Mapping[str, Json],
    setting: Mapping[str, Any] | None,
    values: Values,
    *,
    secret: bool,
) -> None:
    secret = secret or variable.secret or bool(setting and setting.get("secret"))
    try:
        if variable.name in runs:
            value = runs[variable.name]
        elif setting is not None:
            value = check_value(variable, setting["value"])
        elif variable.default_value is not None:
            default = _default(variable, values)
            secret = secret or default.masked != default.value
            value = check_value(variable, default.value)
        elif variable.required:
            raise WrongType(f"{variable.name} is required")
        else:
            return
    except (WrongType, ReferenceProblem) as problem:
        code = "required" if str(problem).endswith("is required") else "wrong_type"
        values.problems.append(Problem(f"variables.{variable.name}", code, str(problem)))
        return
    values.add(variable.name, variable.type.value, _checked(variable, value), secret=secret)


def _default(variable: Variable, values: Values) -> Resolved:
    secrets = frozenset(values.secrets)
    scope = Scope(variables=values.plain, secrets=secrets, known_secrets=values.known)
    return resolve_tracked(variable.default_value, scope)


def _checked(variable: Variable, value: Json) -> Json:
    try:
        return check_value(variable, value)
    except WrongType:
        return value  # reported when it was given
