"""Runs flows for real: a worker process, a target, and a helper that waits for the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from accounts.models import Team, User
from executions.models import Execution, ExecutionStep
from executions.starting.start import start_execution
from executions.states import EXECUTION_TERMINAL, Source
from flows.documents.document import FlowDocument, check_document
from tests.executions.engine.target import Target
from tests.servers.stack import Worker

PATIENCE_SECONDS = 40


class Run:
    """A finished execution and its steps by name."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self.steps: dict[str, ExecutionStep] = {step.name: step for step in execution.steps.all()}

    @property
    def status(self) -> str:
        return str(self.execution.status)

    @property
    def statuses(self) -> dict[str, str]:
        for step in self.steps.values():
            print(step.name, step.status, step.error or "")  # noqa: T201  # shown where a test fails
        return {name: str(step.status) for name, step in self.steps.items()}

    def __getitem__(self, name: str) -> ExecutionStep:
        return self.steps[name]


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    server = Target()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def base_url(target: Target) -> str:
    target.calls.clear()
    target.times.clear()
    return target.url


def document(text: str) -> FlowDocument:
    raw = yaml.safe_load(text)
    raw.setdefault("name", "Tested")
    raw.setdefault("variables", [])
    raw["variables"].append({"name": "base_url", "type": "string", "required": True})
    return check_document(raw)


@pytest.fixture
def start(worker: Worker, team: Team, alice: User, base_url: str) -> Callable[..., Execution]:
    """Start a flow given as YAML; `base_url` is the target."""

    def start_flow(text: str, **variables: Any) -> Execution:
        given = [{"name": "base_url", "value": base_url}]
        given += [{"name": name, "value": value} for name, value in variables.items()]
        return start_execution(
            team=team, user=alice, source=Source.API, draft=document(text), variables=given
        )

    return start_flow


def finish(execution: Execution, seconds: float = PATIENCE_SECONDS) -> Run:
    """Wait for the execution's end."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        execution = Execution.objects.get(pk=execution.pk)
        if execution.status in EXECUTION_TERMINAL:
            return Run(execution)
        time.sleep(0.02)
    steps = list(execution.steps.values_list("name", "status", "look_at", "due_at", "error"))
    raise AssertionError(
        f"still {execution.status}, cursor {execution.cursor}, {execution.remaining} left: {steps}"
    )


@pytest.fixture
def run(start: Callable[..., Execution]) -> Callable[..., Run]:
    """Run a flow given as YAML to its end."""
    return lambda text, **variables: finish(start(text, **variables))
