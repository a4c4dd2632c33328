"""Finds every step type: each module in `steprunners/kinds/` is imported and its runners registered."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from steprunners import kinds
from steprunners.config import ConnectionConfig
from steprunners.runner import StepRunner


class DuplicateStepType(Exception):
    """Two runners claim the same step type, alias or resource type."""


@cache
def runners() -> Mapping[str, StepRunner[Any]]:
    """Return every runner by step type and by alias.

    Raises DuplicateStepType where two runners claim one name.
    """
    found: dict[str, StepRunner[Any]] = {}
    for runner_class in _runner_classes():
        runner = runner_class()
        for name in (runner.type, *runner.aliases):
            if name in found:
                raise DuplicateStepType(f"{name}: {runner_class.__module__}")
            found[name] = runner
    return MappingProxyType(found)


@cache
def step_types() -> tuple[StepRunner[Any], ...]:
    """Return each runner once, in the order of their types."""
    unique = {runner.type: runner for runner in runners().values()}
    return tuple(unique[name] for name in sorted(unique))


@cache
def connection_classes() -> Mapping[str, type[ConnectionConfig]]:
    """Return the connection class of every resource type."""
    found: dict[str, type[ConnectionConfig]] = {}
    for runner in step_types():
        if runner.resource_type is None or runner.connection_class is None:
            continue
        known = found.setdefault(runner.resource_type, runner.connection_class)
        if known is not runner.connection_class:
            raise DuplicateStepType(f"resource type {runner.resource_type}")
    return MappingProxyType(found)


def _runner_classes() -> list[type[StepRunner[Any]]]:
    classes = []
    for module_info in pkgutil.iter_modules(kinds.__path__):
        module = importlib.import_module(f"{kinds.__name__}.{module_info.name}")
        classes += [
            member
            for _, member in inspect.getmembers(module, inspect.isclass)
            if issubclass(member, StepRunner)
            and member.__module__ == module.__name__
            and not inspect.isabstract(member)
        ]
    return classes
