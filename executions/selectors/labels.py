"""Finding executions by a label: one row a label, written with the execution, so that rare ones are found at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from accounts.models import AnyUser, Team
from executions.models import Execution, ExecutionLabel

#: Executions whose labels are written together by `fill`; each has 50 at most.
PORTION = 1_000


def rows_of(execution: Execution) -> list[ExecutionLabel]:
    """Return the rows to be written with a new execution."""
    return [
        ExecutionLabel(
            execution=execution, label=label, team_id=execution.team_id, created_at=execution.created_at
        )
        for label in execution.labels
    ]


def labelled(runs: QuerySet[Execution], label: str, user: AnyUser) -> QuerySet[Execution]:
    """Return those of the user's executions that have the label, with their creation as `labelled_at`.

    The teams are read first: with their ids at hand the labels of others are passed over within the index, where a
    subquery made PostgreSQL look up the executions of all of them (a small team, 90 000 of others: 1 ms against 900).
    """
    teams = list(Team.objects.visible_to(user).values_list("pk", flat=True))
    having = runs.filter(label_rows__label=label, label_rows__team=F("team"), label_rows__team__in=teams)
    return having.annotate(labelled_at=F("label_rows__created_at"))


def creation_of(runs: QuerySet[Execution]) -> str:
    """Return the name of the time of creation by which the executions are to be put in order and narrowed.

    Of those with a label it is the label's: so its index is walked from where the page begins. That both are the same
    the database does not know; told (by joining on it) it takes it for a coincidence, expects one row, and reads all.
    """
    return "labelled_at" if "labelled_at" in runs.query.annotations else "created_at"


def fill(executions: Any, labels: Any) -> int:
    """Write the rows that are missing, in portions; returns how many. Takes the managers of both models.

    For what was there before the table, and what an older release started beside this one.
    """
    before: int = labels.count()
    last: UUID | None = UUID(int=0)
    while last is not None:
        last = _fill_portion(executions, labels, after=last)
    return int(labels.count()) - before


@transaction.atomic
def _fill_portion(executions: Any, labels: Any, *, after: UUID) -> UUID | None:
    """Write those of the next executions; returns the last one, None where there are none."""
    # Locked, so that none goes before its rows are there.
    found = executions.select_for_update(no_key=True).filter(pk__gt=after).exclude(labels=[]).order_by("pk")
    runs = list(found.values_list("pk", "labels", "team_id", "created_at")[:PORTION])
    rows = (
        labels.model(execution_id=pk, label=label, team_id=team, created_at=created_at)
        for pk, names, team, created_at in runs
        for label in names
    )
    labels.bulk_create(rows, ignore_conflicts=True)
    return runs[-1][0] if runs else None
