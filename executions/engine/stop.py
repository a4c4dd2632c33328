"""Stopping all that runs for a team which is to go: calls are ended, and nothing begins, clean-up neither."""

from __future__ import annotations

import time

from accounts.models import Team
from accounts.transactions import retried
from executions import statements
from executions.models import ExecutionStep
from executions.states import StepStatus

#: How long calls have to end, in seconds: workers look for cancels twice a second.
PATIENCE_SECONDS = 3.0
LOOK_SECONDS = 0.05


def stop_all(team: Team) -> None:
    """Cancel everything that the team runs, and wait a little until no worker is at it.

    Whoever does not end in time (its worker is frozen) finds its rows gone, and stops then.
    """
    while _cancel_some(team):
        pass
    until = time.monotonic() + PATIENCE_SECONDS
    while _is_at_work(team) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)


@retried
def _cancel_some(team: Team) -> int:
    return statements.cancel.request_for_team(team.pk)


def _is_at_work(team: Team) -> bool:
    running = ExecutionStep.objects.filter(status=StepStatus.IN_PROGRESS, look_at__isnull=False)
    return running.filter(execution__team=team).exists()
