"""What the processes of a worker show of themselves."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from executions.observability import setup
from telemetry import tracing
from telemetry.tracing import Place


@pytest.fixture(autouse=True)
def _no_traces_afterwards() -> Iterator[None]:
    yield
    tracing.use(None)


@pytest.mark.parametrize(("endpoint", "made"), [("", set()), ("http://127.0.0.1:1", {"traceparent"})])
def test_each_prefork_child_makes_traces(settings: Settings, endpoint: str, made: set[str]) -> None:
    settings.TRACES_ENDPOINT = endpoint
    setup.set_up_traces_in_child()
    assert set(tracing.headers_of(Place(uuid.uuid4(), 0))) == made
