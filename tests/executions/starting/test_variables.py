"""A variable's value: of the run, else of the environment, else the default; all problems at once."""

from __future__ import annotations

from typing import Any

import pytest

from executions.starting.variables import Values, evaluate
from flows.documents.document import check_document
from resources.models import Environment
from steprunners.references.resolution import MASK


def evaluated(
    declared: list[dict[str, Any]],
    given: dict[str, Any] | None = None,
    environment: Environment | None = None,
) -> Values:
    step = {"name": "s", "stepType": "delay", "meta": {"delayMs": 0}}
    document = check_document({"name": "f", "variables": declared, "steps": [step]})
    return evaluate(
        document, [{"name": name, "value": value} for name, value in (given or {}).items()], environment
    )


def environment(**values: Any) -> Environment:
    return Environment(variables=[{"name": name, "value": value} for name, value in values.items()])


V = {"name": "v", "type": "string", "defaultValue": "default"}


def test_run_values_override_environment_and_defaults() -> None:
    there = environment(v="environment")
    assert evaluated([V]).plain == {"v": "default"}
    assert evaluated([V], environment=there).plain == {"v": "environment"}
    assert evaluated([V], {"v": "run"}, there).plain == {"v": "run"}


def test_an_environment_s_other_variables_are_there_too() -> None:
    there = environment(host="h")
    assert evaluated([V], environment=there).plain == {"host": "h", "v": "default"}
    assert evaluated([V], {"host": "g"}, there).plain["host"] == "g"


def test_a_default_may_use_those_above_it() -> None:
    declared = [{**V, "name": "a"}, {"name": "b", "type": "string", "defaultValue": "${a}-${upper(${a})}"}]
    assert evaluated(declared, {"a": "x"}).plain == {"a": "x", "b": "x-X"}


def test_a_default_is_evaluated_once() -> None:
    declared = [{"name": "id", "type": "string", "defaultValue": "${uuid()}"}, {**V, "defaultValue": "${id}"}]
    values = evaluated(declared).plain
    assert values["id"] == values["v"]


def test_an_optional_variable_without_a_value_is_left_out() -> None:
    assert evaluated([{"name": "v", "type": "string"}]).plain == {}


def test_secrets_are_shown_as_the_mask() -> None:
    values = evaluated([{**V, "secret": True}], {"v": "s3cr3t"})
    assert values.shown == [{"name": "v", "type": "string", "value": MASK, "secret": True}]
    assert values.secrets == {"v": "s3cr3t"}


def test_a_secret_of_the_environment_stays_one() -> None:
    there = Environment(variables=[{"name": "v", "secret": True}], secrets={"v": "s3cr3t"})
    values = evaluated([V], environment=there)
    assert (values.secrets, values.shown[0]["value"]) == ({"v": "s3cr3t"}, MASK)


@pytest.mark.parametrize("kind", ["string", "integer", "double", "boolean", "date", "json"])
def test_null_and_objects_never_crash(kind: str) -> None:
    values: list[Any] = [None, {}, [], {"a": [1]}, 10**400, "\0", True, -0.0]
    for value in values:
        evaluated([{"name": "v", "type": kind}], {"v": value})


def test_every_problem_is_reported() -> None:
    declared: list[dict[str, Any]] = [
        {"name": "n", "type": "integer"},
        {"name": "must", "type": "string", "required": True},
    ]
    problems = evaluated(declared, {"n": "x", "musst": "y"}).problems
    assert [(problem.code) for problem in problems] == ["wrong_type", "unknown", "required"]
    assert "must" in problems[1].message


KEY = {"name": "key", "type": "string", "secret": True, "defaultValue": "s3cret-and-long"}


@pytest.mark.parametrize("default", ["Bearer ${key}", "${upper(key)}", "${sha256(key)}", "${key}"])
def test_what_is_made_of_a_secret_is_secret(default: str) -> None:
    values = evaluated([KEY, {**V, "defaultValue": default}])
    assert values.shown[1] == {"name": "v", "type": "string", "value": MASK, "secret": True}
    assert values.secrets["v"] == values.plain["v"] != MASK


def test_a_short_secret_is_masked_where_it_is_put_in() -> None:
    values = evaluated([{**KEY, "defaultValue": "abc"}, {**V, "defaultValue": "${key}!"}, {**V, "name": "w"}])
    assert values.secrets == {"key": "abc", "v": "abc!"}


def test_a_given_value_that_holds_a_secret_is_secret() -> None:
    there = environment(header="Basic s3cret-and-long", host="h")
    values = evaluated([V, KEY], {"v": "s3cret-and-long?"}, there)
    assert set(values.secrets) == {"header", "v", "key"}
    assert [each["value"] for each in values.shown] == [MASK, "h", MASK, MASK]
