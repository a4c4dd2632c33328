"""Records where steps begin to read, before the first step runs, so that they miss nothing that a step sends.

`Execution.positions` is `{"pending": true}` until that is done, then `{"atMs": …, "resources": {id: {key: …}}}`.
Child executions and re-runs copy it. What cannot be known yet (a name that a later step makes, a resource that does not
answer) is left out: its step begins at the time of the start, and reports its own errors.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from executions.engine.context import build_scope, connect
from executions.models import Execution, ExecutionStep
from executions.presentation import milliseconds
from executions.selectors.executions import environment_of
from executions.starting.planning import plan
from executions.starting.variables import evaluate
from flows.models import FlowVersion
from flows.selectors import load_document
from resources.network import policy_of
from resources.secrets.encryption import SecretsUnreadable
from steprunners.deadline import Deadline
from steprunners.errors import StepError
from steprunners.json_types import Json
from steprunners.references.resolution import ReferenceProblem, Scope, resolve
from steprunners.registry import runners

logger = logging.getLogger(__name__)

#: The time limit for all resources together, in seconds: the execution waits for it.
RECORD_SECONDS = 4.0
#: The most flows that are searched.
MOST_FLOWS = 200

Wanted = tuple[str, str, str]


def record_starts(execution: Execution) -> None:
    """Record where the steps of the execution, and of the flows that it may run, begin to read."""
    if not execution.positions.get("pending"):
        return
    resources: dict[str, dict[str, Json]] = {}
    deadline = Deadline(RECORD_SECONDS)
    try:
        wanted = _by_resource(_wanted_by(execution))
    except SecretsUnreadable:
        wanted = {}  # the steps that need the secret report it
    for (step_type, resource), keys in wanted.items():
        _record(execution, step_type, resource, keys, deadline, resources)
    at_ms = milliseconds(execution.started_at) or 0
    execution.positions = {"atMs": at_ms, "resources": resources}
    Execution.objects.filter(pk=execution.pk).update(positions=execution.positions)


def _record(
    execution: Execution,
    step_type: str,
    resource: str,
    keys: list[str],
    deadline: Deadline,
    found: dict[str, dict[str, Json]],
) -> None:
    runner = runners()[step_type]
    try:
        connected = connect(execution, runner.resource_type, resource)
        if connected.connection is None or connected.resource_id is None:
            return
        starts = runner.record_starts(keys, connected.connection, policy_of(execution.team_id), deadline)
    except StepError as error:
        logger.info("execution %s: start position of %s not recorded: %s", execution.id, resource, error.code)
        return
    found.setdefault(connected.resource_id, {}).update(starts)


def _by_resource(wanted: Iterable[Wanted]) -> dict[tuple[str, str], list[str]]:
    grouped: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for step_type, resource, key in wanted:
        grouped[step_type, resource][key] = None
    return {place: list(keys) for place, keys in grouped.items()}


# --- what steps read ------------------------------------------------------------------------------


def _wanted_by(execution: Execution) -> Iterator[Wanted]:
    rows = ExecutionStep.objects.filter(execution_id=execution.pk).order_by("position").only("definition")
    definitions = [row.definition for row in rows]
    yield from _wanted_in(execution, definitions, build_scope(execution, []), set())


def _wanted_in(
    execution: Execution, definitions: list[dict[str, Any]], scope: Scope, seen: set[str]
) -> Iterator[Wanted]:
    for definition in definitions:
        if definition.get("disabled"):
            continue
        runner = runners()[definition["stepType"]]
        meta = _known_part(definition["meta"], scope)
        key, resource = runner.start_key(meta), meta.get("resourceId")
        if key is not None and resource is not None:
            yield runner.type, str(resource), key
        for named in runner.flow_ids(meta):
            given = named.variables if isinstance(named.variables, dict) else {}
            if named.value:
                yield from _wanted_in_flow(execution, str(named.value), given, seen)


def _known_part(meta: Mapping[str, Json], scope: Scope) -> dict[str, Json]:
    """Return the keys of `meta` whose references have values before the first step has run."""
    known: dict[str, Json] = {}
    for key, value in meta.items():
        try:
            known[key] = resolve(value, scope)
        except ReferenceProblem:
            continue
    return known


def _wanted_in_flow(
    execution: Execution, flow_id: str, given: Mapping[str, Json], seen: set[str]
) -> Iterator[Wanted]:
    """Yield what a flow reads that the execution may run as a child."""
    call = f"{flow_id} {sorted(given.items(), key=str)}"
    number = execution.pins.get(flow_id)
    if call in seen or len(seen) >= MOST_FLOWS or number is None:
        return
    seen.add(call)
    version = FlowVersion.objects.filter(
        flow_id=flow_id, number=number, flow__team=execution.team_id, flow__deleted_at=None
    ).first()
    if version is None:
        return
    document = load_document(version)
    values = evaluate(
        document,
        [{"name": name, "value": value} for name, value in given.items()],
        environment_of(execution),
    )
    definitions = [step.document for step in plan(document.steps).steps]
    yield from _wanted_in(execution, definitions, Scope(variables=values.plain), seen)


# --- what a step gets -----------------------------------------------------------------------------


def starts_of(execution: Execution, resource_id: str | None) -> tuple[dict[str, Json], int]:
    """Return the positions recorded for the resource, and the time (ms since the epoch) to begin at without one."""
    began_ms = milliseconds(execution.started_at) or time.time_ns() // 1_000_000
    recorded = execution.positions.get("resources") or {}
    return dict(recorded.get(resource_id) or {}), int(execution.positions.get("atMs") or began_ms)
