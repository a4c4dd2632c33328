"""Finds every step type: each module in `steprunners/kinds/` is imported and its runners registered."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from steprunners import kinds
from steprunners.config import ConnectionConfig
from steprunners.deadline import Deadline
from steprunners.network import NetworkPolicy
from steprunners.runner import AnyRunner, StepRunner


class DuplicateStepType(Exception):
    """Two runners claim the same step type, alias or resource type."""


@cache
def runners() -> Mapping[str, AnyRunner]:
    """Return every runner by step type and by alias.

    Raises DuplicateStepType where two runners claim one name.
    """
    found: dict[str, AnyRunner] = {}
    for runner_class in _runner_classes():
        runner = runner_class()
        for name in (runner.type, *runner.aliases):
            if name in found:
                raise DuplicateStepType(f"{name}: {runner_class.__module__}")
            found[name] = runner
    return MappingProxyType(found)


def find_runner(name: object) -> AnyRunner | None:
    """Return the runner of a step type or alias, in upper or lower case; None where there is none."""
    return runners().get(name.lower()) if isinstance(name, str) else None


@cache
def step_types() -> tuple[AnyRunner, ...]:
    """Return each runner once, in the order of their types."""
    unique = {runner.type: runner for runner in runners().values()}
    return tuple(unique[name] for name in sorted(unique))


@cache
def connection_classes() -> Mapping[str, type[ConnectionConfig]]:
    """Return the connection class of every resource type."""
    classes = {name: runner.connection_class for name, runner in _resource_runners().items()}
    return MappingProxyType({name: each for name, each in classes.items() if each is not None})


def check_connection(
    resource_type: str, connection: ConnectionConfig, network: NetworkPolicy, deadline: Deadline
) -> str:
    """Connect to a resource for real; return what answered, in words for a tester.

    Raises KeyError where there is no such resource type, StepError with what is wrong.
    """
    return _resource_runners()[resource_type].check(connection, network, deadline)


@cache
def _resource_runners() -> Mapping[str, AnyRunner]:
    """Return a runner for every resource type: the first of those that use it.

    Raises DuplicateStepType where two of them want different connections.
    """
    found: dict[str, AnyRunner] = {}
    for runner in step_types():
        if runner.resource_type is not None:
            known = found.setdefault(runner.resource_type, runner)
            if known.connection_class is not runner.connection_class:
                raise DuplicateStepType(f"resource type {runner.resource_type}")
    return MappingProxyType(found)


def _runner_classes() -> list[type[AnyRunner]]:
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
