"""NULLs are distinct in a unique constraint: each one over a nullable column needs a condition, and a second one."""

from __future__ import annotations

from itertools import combinations

import pytest
from django.apps import apps
from django.db.models import Model, Q, UniqueConstraint

OURS = ("accounts", "executions", "flows", "resources")


def constraints() -> list[tuple[type[Model], UniqueConstraint]]:
    return [
        (model, each)
        for label in OURS
        for model in apps.get_app_config(label).get_models()
        for each in model._meta.constraints
        if isinstance(each, UniqueConstraint)
    ]


def required(condition: Q | None) -> tuple[set[str], set[str]]:
    """Return the columns that the condition requires to be NULL, and those that it requires not to be."""
    leaves = [each for each in (condition.children if condition else []) if isinstance(each, tuple)]
    null = {name.removesuffix("__isnull") for name, value in leaves if name.endswith("__isnull") and value}
    not_null = {
        name.removesuffix("__isnull") for name, value in leaves if name.endswith("__isnull") and not value
    }
    return null, not_null


def uncovered(model: type[Model], constraint: UniqueConstraint) -> list[set[str]]:
    """Return the sets of columns that may be NULL together without any constraint of the model left."""
    _, never = required(constraint.condition)
    nullable = [name for name in constraint.fields if model._meta.get_field(name).null and name not in never]
    sets = [set(each) for size in range(1, len(nullable) + 1) for each in combinations(nullable, size)]
    covered = [
        (required(other.condition)[0], set(other.fields)) for of, other in constraints() if of is model
    ]
    return [
        null
        for null in sets
        if not any(null <= is_null and fields == set(constraint.fields) - null for is_null, fields in covered)
    ]


def test_there_are_some() -> None:
    assert len(constraints()) > 10


@pytest.mark.parametrize(("model", "constraint"), constraints(), ids=[each.name for _, each in constraints()])
def test_null_is_no_way_around_a_constraint(model: type[Model], constraint: UniqueConstraint) -> None:
    assert uncovered(model, constraint) == []


def test_no_unique_column_may_be_null() -> None:
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    fields = [
        field for model in models for field in model._meta.concrete_fields if field.unique and field.null
    ]
    assert fields == []
