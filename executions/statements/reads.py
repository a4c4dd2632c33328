"""What the engine reads by plain SQL: as querysets these took Django longer to build than the database to answer."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import Team
from accounts.permissions import role_sql
from executions.models import Execution, ExecutionStep
from executions.statements.database.dialect import EXECUTION, KEY_SHARE, STEP, among, key, many, sql
from executions.statements.database.rows import shape_of
from executions.statements.database.statement import fetch, instance, instances
from flows.models import Flow, FlowVersion

#: What a step reads of an earlier one: not its request, and not its attempts.
_EARLIER_STEP = shape_of(ExecutionStep, frozenset({
    "id", "position", "name", "status", "background", "attempts", "duration_ms", "error", "response", "whole_response",
    "cut_paths", "extracted", "secret_extracts", "completed_at", "started_at",
}))  # fmt: skip

_EARLIER_STEPS = sql(f"""
    SELECT {_EARLIER_STEP} FROM {STEP} WHERE execution_id = %(execution)s AND position {among("positions")}
""")


def earlier_steps(execution_id: uuid.UUID, positions: Sequence[int]) -> list[ExecutionStep]:
    """Return the steps at these positions, with the columns that references can read."""
    parameters = {"execution": key(execution_id), "positions": many(positions)}
    return instances(_EARLIER_STEP, _EARLIER_STEPS, parameters)


_RESULTS = shape_of(Execution, frozenset({"id", "results_removed_at"}))

# The weakest lock: the execution may still run and change, or be admitted by somebody with the lock that a start needs.
_HOLD_RESULTS = sql(f"SELECT {_RESULTS} FROM {EXECUTION} WHERE id = %(execution)s {KEY_SHARE}")


def hold_results(execution_id: uuid.UUID) -> Execution | None:
    """Keep the execution, with its results, from removal while the transaction lasts; None where it is gone.

    Of the instance only `id` and `results_removed_at` are read.
    """
    return instance(_RESULTS, _HOLD_RESULTS, {"execution": key(execution_id)})


# --- what a run request refers to -----------------------------------------------------------------

# The rest is loaded on first use (`start` does it once for a version).
_TEAM = shape_of(Team, frozenset({"id", "organisation", "name"}))
_FLOW = shape_of(Flow, frozenset({"id", "team", "version"}))
_VERSION = shape_of(FlowVersion, frozenset({"id", "flow", "number"}))

# The role comes first: NULL for a user who may not see the flow.
_FLOW_TO_RUN = sql(f"""
    SELECT {role_sql(organisation="team.organisation_id", team="team.id")},
        {_TEAM.listed("team.")}, {_FLOW.listed("flow.")}, {_VERSION.listed("version.")}
    FROM {Flow._meta.db_table} flow
    JOIN {Team._meta.db_table} team ON team.id = flow.team_id
    LEFT JOIN {FlowVersion._meta.db_table} version
        ON version.flow_id = flow.id AND version.number = COALESCE(%(number)s, flow.version)
    WHERE flow.id = %(flow)s AND flow.deleted_at IS NULL
""")


@dataclass(frozen=True)
class FlowToRun:
    """A flow's team, the user's role in it, and the version; None where the flow has no version of that number."""

    team: Team
    role: str
    version: FlowVersion | None


def flow_to_run(user_id: uuid.UUID, flow_id: uuid.UUID, number: int | None) -> FlowToRun | None:
    """Return the version `number` of the flow (None: the newest); None where the user has no role in its team."""
    parameters = {"user": key(user_id), "flow": key(flow_id), "number": number}
    rows = fetch(_FLOW_TO_RUN, parameters)
    if not rows or rows[0][0] is None:
        return None
    (row,) = rows
    version = None if row[7] is None else _version(row[4:7], row[7:])
    return FlowToRun(_TEAM.instance(row[1:4]), row[0], version)


def _version(flow: tuple[Any, ...], version: tuple[Any, ...]) -> FlowVersion:
    found = _VERSION.instance(version)
    found.flow = _FLOW.instance(flow)
    return found
