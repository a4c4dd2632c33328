"""Looks up a flow to run: its version, its team, and the user's role there."""

from __future__ import annotations

from uuid import UUID

from accounts.models import AnyUser
from executions import statements
from executions.statements.reads import FlowToRun


def find_runnable(user: AnyUser, flow_id: UUID, number: int | None) -> FlowToRun | None:
    """Return version `number` of the flow, by default the newest; None if the user may not see the flow.

    As with `visible_to`, users see the flows of the teams in which they have a role.
    """
    if user.is_anonymous:
        return None
    found = statements.reads.flow_to_run(user.pk, flow_id, number)
    if found is None or user.bound_team_id not in (None, found.team.pk):
        return None
    return found
