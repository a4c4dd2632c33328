"""An execution begins once, when it is due."""

from __future__ import annotations

from accounts.models import Team
from executions import statements
from tests.executions.driving import begin, delay
from tests.executions.statements.claimed import now


def test_begin_happens_once(driven: None, team: Team) -> None:
    execution = begin(team, [delay("a")])
    started = statements.execution.begin(execution.pk)
    assert started is not None
    assert (started.status, started.sequence) == ("IN_PROGRESS", 1)
    assert statements.execution.begin(execution.pk) is None


def test_begin_waits_for_the_initial_delay(driven: None, team: Team) -> None:
    execution = begin(team, [delay("a")], initial_delay_ms=60_000)
    assert statements.execution.begin(execution.pk) is None
    assert now(execution).status == "PENDING"
