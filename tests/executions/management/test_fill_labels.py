"""Tests of `manage.py fill_labels`."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from accounts.models import Team
from executions.models import ExecutionLabel
from tests.executions.rows import make_execution

pytestmark = pytest.mark.django_db


def told() -> str:
    output = StringIO()
    call_command("fill_labels", stdout=output)
    return output.getvalue()


def test_it_writes_what_an_older_release_did_not(team: Team) -> None:
    make_execution(team, labels=["nightly", "smoke"])
    ExecutionLabel.objects.all().delete()
    assert told() == "2 rows were missing\n"
    assert set(ExecutionLabel.objects.values_list("label", flat=True)) == {"nightly", "smoke"}
    assert told() == "0 rows were missing\n"
