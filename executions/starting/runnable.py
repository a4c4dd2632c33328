"""What a request to run a flow starts from: the version that it means, and the user's role in its team."""

from __future__ import annotations

from uuid import UUID

from accounts.models import AnyUser
from executions import statements
from executions.statements.reads import FlowToRun


def find_runnable(user: AnyUser, flow_id: UUID, number: int | None) -> FlowToRun | None:
    """Return the version `number` of the flow (None: the newest); None where the user may not see the flow.

    A user sees the flows of the teams in which they have a role, as with `visible_to`.
    """
    if user.is_anonymous:
        return None
    found = statements.reads.flow_to_run(user.pk, flow_id, number)
    if found is None or user.bound_team_id not in (None, found.team.pk):
        return None
    return found
