"""Tests of `manage.py purge_executions`."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Team
from executions.models import Execution
from executions.worker import job_lease as chores
from executions.worker.housekeeping import CHORE
from tests.executions.retention.test_purge import run


def told(*arguments: str) -> str:
    output = StringIO()
    call_command("purge_executions", *arguments, stdout=output)
    return output.getvalue()


def test_it_removes_and_says_what(team: Team) -> None:
    run(team, 366)
    run(team, 100)
    assert "executions: 1\nresults: 1\n" in told()
    assert Execution.objects.count() == 1
    assert "executions: 0" in told()  # due or not


def test_a_dry_run_removes_nothing(team: Team) -> None:
    run(team, 366)
    run(team, 100)
    assert "Acme / Checkout: 1 executions are too old, the results of 2" in told("--dry-run")
    assert Execution.objects.filter(results_removed_at=None).count() == 2


@pytest.mark.django_db
def test_it_keeps_out_of_the_way_of_a_worker() -> None:
    chores.take(CHORE)
    with pytest.raises(CommandError, match="at it already"):
        told()
