"""Tests of `manage.py purge_executions`."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Team
from executions.models import Execution
from executions.worker.housekeeping import JOB
from executions.worker.job_lease import take_lease
from tests.executions.retention.test_purge import run


def output_of(*arguments: str) -> str:
    output = StringIO()
    call_command("purge_executions", *arguments, stdout=output)
    return output.getvalue()


def test_it_removes_and_says_what(team: Team) -> None:
    run(team, 366)
    run(team, 100)
    assert "executions: 1\nresults: 1\n" in output_of()
    assert Execution.objects.count() == 1
    assert "executions: 0" in output_of()  # due or not


def test_a_dry_run_removes_nothing(team: Team) -> None:
    run(team, 366)
    run(team, 100)
    assert "Acme / Checkout: 1 executions to remove, results to remove from 2" in output_of("--dry-run")
    assert Execution.objects.filter(results_removed_at=None).count() == 2


@pytest.mark.django_db
def test_it_refuses_while_a_worker_does_it() -> None:
    take_lease(JOB)
    with pytest.raises(CommandError, match="does this already"):
        output_of()
