"""Flows started for real and carried on inside the test, one claim at a time: no worker, no broker in between.

The claim decides whether a step is to be run, so a driver that simply tries every position stands for any order of
messages, duplicates included.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from accounts.models import Team
from executions.engine import run_step as engine
from executions.models import Execution, ExecutionStep
from executions.starting.start import start_execution
from executions.states import STEP_OPEN, Source
from flows.documents.document import check_document


def delay(name: str, **fields: Any) -> dict[str, Any]:
    """Return a step that ends at once; `fields` are its envelope's."""
    return {"name": name, "stepType": "delay", "meta": {"delayMs": fields.pop("ms", 0)}, **fields}


def choice(
    name: str, then: Sequence[Any] = (), otherwise: Sequence[Any] = (), **fields: Any
) -> dict[str, Any]:
    """Return a condition with inline steps; it takes `then` unless `holds=False`."""
    right = 1 if fields.pop("holds", True) else 2
    meta: dict[str, Any] = {
        "branches": [{"condition": {"left": 1, "operator": "equals", "right": right}, "steps": list(then)}]
    }
    if otherwise:
        meta["elseSteps"] = list(otherwise)
    return {"name": name, "stepType": "condition", "meta": meta, **fields}


def begin(
    team: Team, steps: Sequence[dict[str, Any]], *, declared: Sequence[dict[str, Any]] = (), **options: Any
) -> Execution:
    """Start a draft of these steps with the declared variables; `options` are those of `start_execution`."""
    document = check_document({"name": "Driven", "steps": list(steps), "variables": list(declared)})
    options.setdefault("user", None)
    return start_execution(team=team, source=Source.API, draft=document, **options)


def drive(execution: Execution, *, order: random.Random | None = None, rounds: int = 200) -> Execution:
    """Try every step again and again until nothing moves any more; return the execution as it stands then."""
    engine.run_step(execution.pk, None, begin=True)
    before = -1
    for _ in range(rounds):
        open_ = list(execution.steps.filter(status__in=STEP_OPEN).values_list("position", flat=True))
        if order is not None:
            order.shuffle(open_)
        for position in open_:
            engine.run_step(execution.pk, position)
        now = Execution.objects.get(pk=execution.pk)
        if now.sequence == before:
            break
        before = now.sequence
    return Execution.objects.get(pk=execution.pk)


def statuses(execution: Execution) -> dict[str, str]:
    """Return the steps' statuses by name."""
    return dict(execution.steps.values_list("name", "status"))


def step_of(execution: Execution, name: str) -> ExecutionStep:
    """Return the step's row as it is now."""
    return ExecutionStep.objects.get(execution=execution, name=name)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make the calls at the same time, each in a thread with a connection of its own; return what they gave.

    A call that raised gives its exception, one that does not end within half a minute a TimeoutError.
    """
    outcomes: list[Any] = [TimeoutError("the call did not end")] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(index: int, call: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            outcomes[index] = call()
        except Exception as error:  # the test looks at it
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes
