"""Statements about whose turn it is: how many runs an organisation has, and which of them wait."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Organisation, Team
from executions.models import Execution
from executions.statements.database.dialect import EXECUTION, key, sql
from executions.statements.database.statement import fetch
from executions.statements.execution import CLOCK_SLACK_SECONDS
from executions.states import ExecutionStatus

#: The limit of runs a minute counts those that were created within this time.
WINDOW = timedelta(seconds=60)


@dataclass(frozen=True)
class Load:
    """How many runs an organisation has: of the last minute, under way, waiting (delayed ones too), waiting and due."""

    recent: int
    running: int
    waiting: int
    due: int


_IS_WAITING = "execution.status = 'PENDING' AND NOT execution.admitted"
# As a queryset this took Django longer to build than PostgreSQL to answer, for every run.
_LOAD = sql(f"""
    SELECT count(*) FILTER (WHERE execution.created_at > %(since)s),
        count(*) FILTER (WHERE execution.status IN ('PENDING', 'IN_PROGRESS') AND execution.admitted),
        count(*) FILTER (WHERE {_IS_WAITING}),
        count(*) FILTER (WHERE {_IS_WAITING} AND (execution.due_at IS NULL OR execution.due_at <= %(due)s))
    FROM {EXECUTION} execution JOIN {Team._meta.db_table} team ON team.id = execution.team_id
    WHERE team.organisation_id = %(organisation)s AND execution.parent_id IS NULL
      AND (execution.created_at > %(since)s OR execution.status IN ('PENDING', 'IN_PROGRESS'))
""")


def load(organisation_id: uuid.UUID) -> Load:
    """Return how many runs the organisation has, without child executions."""
    now = timezone.now()
    adapt = connection.ops.adapt_datetimefield_value
    parameters = {
        "organisation": key(organisation_id),
        "since": adapt(now - WINDOW),
        "due": adapt(now + timedelta(seconds=CLOCK_SLACK_SECONDS)),
    }
    return Load(*fetch(_LOAD, parameters)[0])


def lock_organisation(organisation_id: uuid.UUID) -> Organisation | None:
    """Lock the organisation until the transaction ends; None where it was deleted."""
    # NO KEY: rows that refer to the organisation can still be written.
    return Organisation.objects.select_for_update(no_key=True).filter(pk=organisation_id).first()


def waiting() -> QuerySet[Execution]:
    """Return the executions that wait for their turn: PENDING and not admitted."""
    return Execution.objects.filter(status=ExecutionStatus.PENDING, admitted=False)


def waiting_and_due(now: datetime) -> QuerySet[Execution]:
    """Return those whose delay is over."""
    due = Q(due_at=None) | Q(due_at__lte=now + timedelta(seconds=CLOCK_SLACK_SECONDS))
    return waiting().filter(due)


def newest(organisation_id: uuid.UUID) -> QuerySet[Execution]:
    """Return the runs of the organisation, the newest first, without child executions."""
    runs = Execution.objects.filter(team__organisation_id=organisation_id, parent=None)
    return runs.order_by("-created_at")
