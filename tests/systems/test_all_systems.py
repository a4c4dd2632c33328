"""One flow over all systems: green again and again, and red with an understandable reason for each fault."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from accounts.models import Team, User
from executions.models import Execution
from executions.starting.start import start_execution
from executions.states import Source
from flows.documents.document import check_document
from resources.services import save_environment, save_resource
from tests.executions.engine.conftest import Run, finish
from tests.servers.stack import Worker
from tests.systems.conftest import Systems
from tests.systems.faults import Fault, faults
from tests.systems.tables import told, write_table

FLOW = Path(__file__).with_name("order.yaml")
#: How long the step of a system that is wrong tries: everything else has the flow's own half a minute.
SHORT_MS = 2_000
#: A subscribe has to reach the broker in its time, or the broker is its trouble.
SUBSCRIBE_MS = 6_000
PATIENCE_SECONDS = 120

Order = Callable[..., Execution]


@pytest.fixture
def order(worker: Worker, team: Team, alice: User, systems: Systems) -> Order:
    """Start the flow, with a fault where one is given."""
    for name, (kind, config) in systems.resources.items():
        save_resource(team=team, user=alice, name=name, type=kind, config=config)

    def start(fault: Fault | None = None) -> Execution:
        document = yaml.safe_load(FLOW.read_text())
        given = {"base_url": systems.addresses["shop"], "topic": systems.topic}
        environment = None
        if fault is not None:
            shorten(document, fault)
            given |= {"fault": fault.behind}
            if fault.base_url:
                given["base_url"] = fault.base_url.format_map(systems.addresses)
            environment = save_environment(
                team=team, user=alice, name=str(fault), resources=dict(fault.resources)
            )
        return start_execution(
            team=team,
            user=alice,
            source=Source.API,
            draft=check_document(document),
            environment=environment,
            variables=[{"name": name, "value": value} for name, value in given.items()],
        )

    return start


def shorten(document: dict[str, Any], fault: Fault) -> None:
    step = next(each for each in document["steps"] if each["name"] == fault.step)
    if "until" in step:
        step["until"] = {**step["until"], "timeoutMs": SHORT_MS}
    elif fault.is_patient:
        step["timeoutMs"] = SUBSCRIBE_MS if fault.system == "kafka" else SHORT_MS


def check_green(run: Run) -> None:
    assert set(run.statuses.values()) == {"SUCCESS"}, {name: told(step) for name, step in run.steps.items()}
    assert run.status == "COMPLETED"


def check_red(run: Run, fault: Fault) -> None:
    step = run[fault.step]
    assert (run.status, step.status) == ("FAILED", fault.status), (str(fault), run.statuses, told(step))
    assert re.search(fault.told, told(step)), (str(fault), told(step))
    others = {name: status for name, status in run.statuses.items() if name != fault.step}
    assert set(others.values()) <= {"SUCCESS", "SKIPPED"}, (str(fault), others)
    assert step.name in run.execution.error["message"]


CHOSEN = [
    "http: server down",
    "kafka: wrong password",
    "kafka: missing",
    "postgresql: wrong value",
    "mariadb: wrong password",
    "redis: late",
    "prometheus: missing",
    "loki: server down",
]


def test_green_and_red(order: Order) -> None:
    chosen = [fault for fault in faults() if str(fault) in CHOSEN]
    assert len(chosen) == len(CHOSEN)
    green = [order() for _ in range(2)]
    red = [(order(fault), fault) for fault in chosen]
    for execution in green:
        check_green(finish(execution, PATIENCE_SECONDS))
    for execution, fault in red:
        check_red(finish(execution, PATIENCE_SECONDS), fault)


def test_the_page_has_every_fault() -> None:
    page = (Path(__file__).parents[2] / "docs/failures.md").read_text()
    rows = [f"| {fault.system} | {fault.kind} | {fault.status} |" for fault in faults()]
    assert [row for row in rows if row not in page] == []


@pytest.mark.soak
def test_green_a_hundred_times_in_a_row(order: Order) -> None:
    for _ in range(100):
        check_green(finish(order(), PATIENCE_SECONDS))


@pytest.mark.soak
def test_every_system_broken_in_every_way(order: Order) -> None:
    started = [(order(fault), fault) for fault in faults()]
    ended = [(finish(execution, PATIENCE_SECONDS), fault) for execution, fault in started]
    rows = [(each.system, each.kind, run[each.step].status, told(run[each.step])) for run, each in ended]
    write_table("FAILURES_TABLE", ["system", "fault", "step", "what the user reads"], rows)
    for run, fault in ended:
        check_red(run, fault)
