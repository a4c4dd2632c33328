"""StepRunner reads its classes from its type arguments; a context hands out the resource that a step needs."""

from __future__ import annotations

import pytest

from steprunners.clients.redis.connection import RedisConnection
from steprunners.config import StepConfig, StepResult
from steprunners.deadline import Deadline
from steprunners.errors import BadConfig
from steprunners.runner import Finished, StepContext, StepRunner
from tests.steprunners.conftest import LOOPBACK, MakeContext


class PingConfig(StepConfig):
    """Nothing to set."""


class WithResource(StepRunner[PingConfig, RedisConnection]):
    type, label, description, result_class = "ping", "Ping", "Pings.", StepResult

    def run(self, config: PingConfig, context: StepContext[RedisConnection]) -> Finished:
        return Finished({"host": context.resource.host})


class WithoutResource(StepRunner[PingConfig, None]):
    type, label, description, result_class = "wait", "Wait", "Waits.", StepResult

    def run(self, config: PingConfig, context: StepContext[None]) -> Finished:
        return Finished({})


class Special(WithResource):
    """A subclass that names no type arguments of its own."""


def test_the_classes_are_the_type_arguments() -> None:
    assert WithResource.config_class is PingConfig
    assert WithResource.connection_class is RedisConnection


def test_none_means_that_no_resource_is_used() -> None:
    assert WithoutResource.config_class is PingConfig
    assert WithoutResource.connection_class is None


def test_a_subclass_inherits_the_classes() -> None:
    assert (Special.config_class, Special.connection_class) == (PingConfig, RedisConnection)


def test_the_resource_is_the_connection(make_context: MakeContext) -> None:
    context = make_context(connection=RedisConnection(host="cache.example"))
    assert WithResource().run(PingConfig(), context).result == {"host": "cache.example"}


def test_a_missing_resource_is_bad_config(make_context: MakeContext) -> None:
    with pytest.raises(BadConfig, match=r"^meta\.resourceId: the step needs a resource$"):
        WithResource().run(PingConfig(), make_context())


def test_a_runner_must_say_how_to_check_its_resource() -> None:
    with pytest.raises(NotImplementedError, match="WithResource"):
        WithResource().check(RedisConnection(host="cache.example"), LOOPBACK, Deadline(1))
