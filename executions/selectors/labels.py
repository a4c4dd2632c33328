"""Finds executions by a label. Each label has a row, written with the execution, so rare labels are found at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from accounts.models import AnyUser, Team
from executions.models import Execution, ExecutionLabel

#: How many executions `fill` handles together; each has at most 50 labels.
BATCH = 1_000


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

    The teams are read first. With their ids PostgreSQL skips the labels of other teams within the index. With a
    subquery it looked up the executions of all teams (a small team beside 90,000 executions of others: 900 ms, now 1).
    """
    teams = list(Team.objects.visible_to(user).values_list("pk", flat=True))
    having = runs.filter(label_rows__label=label, label_rows__team=F("team"), label_rows__team__in=teams)
    return having.annotate(labelled_at=F("label_rows__created_at"))


def creation_of(runs: QuerySet[Execution]) -> str:
    """Return the name of the time of creation by which to sort and filter the executions.

    For executions found by a label it is the time in the label's row, so the database reads the label's index from
    where the page begins. The database does not know that both times are equal. If the join says so, it takes that for
    a coincidence, expects one row, and reads all.
    """
    return "labelled_at" if "labelled_at" in runs.query.annotations else "created_at"


def fill(executions: Any, labels: Any) -> int:
    """Write the rows that are missing, in batches; returns how many. Takes the managers of both models.

    They are missing for executions that are older than the table, or that an older release started beside this one.
    """
    before: int = labels.count()
    last: UUID | None = UUID(int=0)
    while last is not None:
        last = _fill_batch(executions, labels, after=last)
    return int(labels.count()) - before


@transaction.atomic
def _fill_batch(executions: Any, labels: Any, *, after: UUID) -> UUID | None:
    """Write the rows of the next executions; returns the last execution, None where there are none."""
    # Locked, so that no execution is deleted before its rows are written.
    found = executions.select_for_update(no_key=True).filter(pk__gt=after).exclude(labels=[]).order_by("pk")
    runs = list(found.values_list("pk", "labels", "team_id", "created_at")[:BATCH])
    rows = (
        labels.model(execution_id=pk, label=label, team_id=team, created_at=created_at)
        for pk, names, team, created_at in runs
        for label in names
    )
    labels.bulk_create(rows, ignore_conflicts=True)
    return runs[-1][0] if runs else None
