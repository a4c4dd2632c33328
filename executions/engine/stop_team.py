"""Stops everything that runs for a team that is to be deleted: calls end, and nothing begins, not even clean-up."""

from __future__ import annotations

import time

from accounts.models import Team
from accounts.transactions import retried
from executions import statements
from executions.models import ExecutionStep
from executions.states import StepStatus

#: How long calls have to end, in seconds. Workers check for cancels twice a second.
PATIENCE_SECONDS = 3.0
CHECK_SECONDS = 0.05


def stop_team(team: Team) -> None:
    """Cancel everything that the team runs, and wait a little until no worker runs a step of it.

    A step that does not end in time (its worker is frozen) finds its rows deleted, and stops then.
    """
    while _cancel_some(team):
        pass
    until = time.monotonic() + PATIENCE_SECONDS
    while _has_running_steps(team) and time.monotonic() < until:
        time.sleep(CHECK_SECONDS)


@retried
def _cancel_some(team: Team) -> int:
    return statements.cancel.request_for_team(team.pk)


def _has_running_steps(team: Team) -> bool:
    running = ExecutionStep.objects.filter(status=StepStatus.IN_PROGRESS, look_at__isnull=False)
    return running.filter(execution__team=team).exists()
