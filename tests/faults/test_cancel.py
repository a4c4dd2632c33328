"""Cancel during every step type: while its call hangs, while it waits, and when its worker is dead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Team, User
from asynctester.embedded.processes import wait_until
from executions.engine.cancel import AlreadyOver, cancel_execution
from executions.models import Execution, ExecutionStep
from executions.states import EXECUTION_TERMINAL, StepStatus
from executions.worker.sweeper import Sweeper
from flows.documents.document import check_document
from flows.services import create_flow
from resources.services import save_resource
from steprunners.registry import runners, step_types
from tests.executions.driving import begin, choice, delay, statuses
from tests.executions.rows import make_execution, make_step
from tests.executions.sweeping import claimed, due_step, recover_lost_steps
from tests.servers.stack import Worker

TYPES = [runner.type for runner in step_types()]
LONG_MS = 600_000
#: The type's meta where it calls something; the others wait.
CALLS: dict[str, dict[str, Any]] = {
    "http": {"url": "/orders"},
    "sql": {"query": "select 1"},
    "redis": {"operation": "get", "key": "order"},
    "loki": {},
    "prometheus": {"query": "up", "duration1": {"relativeTime": "1m"}},
    "kafka_publish": {"topic": "orders", "message": "hello"},
    "kafka_subscribe": {"topic": "orders"},
}


def configs(port: int) -> dict[str, dict[str, Any]]:
    """Return the resources' configs by type, all of which lead to the port."""
    url, address = f"http://127.0.0.1:{port}", {"host": "127.0.0.1", "port": port}
    return {
        "http": {"baseUrl": url},
        "sql": {"engine": "postgresql", **address, "database": "shop", "user": "tester"},
        "redis": address,
        "loki": {"url": url},
        "prometheus": {"url": url},
        "kafka": {"bootstrapServers": f"127.0.0.1:{port}"},
    }


def step_of_type(step_type: str, team: Team, user: User, port: int) -> dict[str, Any]:
    """Return a step of the type that lasts for ten minutes."""
    if step_type == "delay":
        return delay("lasts", ms=LONG_MS)
    if step_type == "condition":
        return choice("lasts", [delay("inside", ms=LONG_MS)])
    if step_type == "flow":
        child = check_document({"name": "Child", "steps": [delay("inside", ms=LONG_MS)]})
        flow = create_flow(team=team, user=user, document=child)
        return {"name": "lasts", "stepType": "flow", "meta": {"flowId": str(flow.pk)}}
    kind = runners()[step_type].resource_type
    assert kind is not None
    save_resource(team=team, user=user, name="silent", type=kind, config=configs(port)[kind])
    meta = {"resourceId": "silent", **CALLS[step_type]}
    return {"name": "lasts", "stepType": step_type, "meta": meta, "timeoutMs": LONG_MS}


def is_under_way(execution: Execution) -> bool:
    return execution.steps.filter(name="lasts", status__in=["IN_PROGRESS", "WAITING"]).exists()


def is_over(execution: Execution) -> bool:
    return Execution.objects.filter(pk=execution.pk, status__in=EXECUTION_TERMINAL).exists()


@pytest.mark.soak
@pytest.mark.parametrize("step_type", TYPES)
def test_while_it_lasts(worker: Worker, team: Team, alice: User, silent_port: int, step_type: str) -> None:
    execution = begin(team, [step_of_type(step_type, team, alice, silent_port), delay("never")], user=alice)
    assert wait_until(lambda: is_under_way(execution), within=40)
    cancel_execution(execution)
    assert wait_until(lambda: is_over(execution), within=40)
    everything = Execution.objects.all()
    assert {each.status for each in everything} == {"CANCELLED"}  # a child as well
    for each in everything:
        assert {step.status for step in each.steps.all()} == {"CANCELLED"}


#: A call, which may have happened, and what does nothing to the outside: it would be carried on, were it not cancelled.
WITH_A_DEAD_WORKER = [
    {"name": "lasts", "stepType": "http", "meta": {"url": "http://127.0.0.1:1/"}},
    delay("lasts", ms=LONG_MS),
    choice("lasts", [delay("inside", ms=LONG_MS)]),
]


@pytest.mark.parametrize("step", WITH_A_DEAD_WORKER, ids=["http", "delay", "condition"])
def test_with_its_worker_dead(db: None, team: Team, step: dict[str, Any]) -> None:
    execution = begin(team, [step, delay("never")])
    held = claimed(execution, "gone:1:1")
    cancel_execution(execution)
    held.refresh_from_db()
    assert held.status == "IN_PROGRESS"  # whether its worker is dead, only its lease can tell
    due_step(held)
    recover_lost_steps()
    execution.refresh_from_db()
    assert execution.status == "CANCELLED"
    assert set(statuses(execution).values()) == {"CANCELLED"}


HOUR = timedelta(hours=1)
#: What an execution that has not begun waits for; a duration is from now on.
NOT_BEGUN: dict[str, dict[str, Any]] = {
    "published": {},
    "waits for its turn": {"admitted": False},
    "waits for its delay": {"due_at": HOUR},
}
#: How a step stands whose execution has begun; its worker is dead where it has one.
BEGUN: dict[str, dict[str, Any]] = {
    "published": {"status": StepStatus.PENDING, "look_at": None},
    "released beside": {"status": StepStatus.PENDING, "background": True, "look_at": HOUR},
    "runs": {"status": StepStatus.IN_PROGRESS, "owner": "gone:1:1", "fence": 1},
    "waits for a time": {"status": StepStatus.WAITING, "due_at": HOUR},
    "is due": {"status": StepStatus.WAITING, "due_at": -HOUR},
    "waits for a step": {"status": StepStatus.WAITING, "awaiting": True},
}


def from_now(fields: dict[str, Any]) -> dict[str, Any]:
    now = timezone.now()
    return {name: now + value if isinstance(value, timedelta) else value for name, value in fields.items()}


def cancelled(execution: Execution, step: ExecutionStep) -> None:
    """Recover lost steps and sweep once; nothing of the execution is open then, and nothing can be cancelled."""
    if ExecutionStep.objects.get(pk=step.pk).status == StepStatus.IN_PROGRESS:
        due_step(step)
    recover_lost_steps()
    due_open(execution)
    Sweeper().sweep()
    execution.refresh_from_db()
    step.refresh_from_db()
    assert (step.status, execution.status) == ("CANCELLED", "CANCELLED")
    with pytest.raises(AlreadyOver):
        cancel_execution(execution)


def due_open(execution: Execution) -> None:
    Execution.objects.filter(pk=execution.pk, look_at__isnull=False).update(look_at=timezone.now() - HOUR)


@pytest.mark.parametrize("state", NOT_BEGUN)
def test_before_it_begins(db: None, team: Team, state: str) -> None:
    execution = make_execution(team, status="PENDING", remaining=1, cursor=0, **from_now(NOT_BEGUN[state]))
    step = make_step(execution, status=StepStatus.PENDING, look_at=None)
    cancel_execution(execution)
    cancelled(execution, step)


@pytest.mark.parametrize("state", BEGUN)
def test_once_it_has_begun(db: None, team: Team, state: str) -> None:
    execution = make_execution(team, remaining=1, cursor=0)
    step = make_step(execution, **from_now(BEGUN[state]))
    cancel_execution(execution)
    cancelled(execution, step)


@pytest.mark.parametrize("state", BEGUN)
def test_in_clean_up_at_the_second_request(db: None, team: Team, state: str) -> None:
    execution = make_execution(team, remaining=1, cursor=0, phase="CLEAN_UP", clean_up_position=0)
    step = make_step(execution, always_run=True, **from_now(BEGUN[state]))
    cancel_execution(execution)
    step.refresh_from_db()
    assert step.status == BEGUN[state]["status"]  # clean-up goes on
    cancel_execution(execution)
    cancelled(execution, step)
