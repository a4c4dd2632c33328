"""Finds executions by label. Each label has a row, written with the execution, so that rare labels are found fast."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from accounts.models import AnyUser, Team
from executions.models import Execution, ExecutionLabel

#: How many executions `fill` writes the labels of in one transaction; each has 50 labels at most.
BATCH = 1_000


def rows_of(execution: Execution) -> list[ExecutionLabel]:
    """Return the label rows to write with a new execution."""
    return [
        ExecutionLabel(
            execution=execution, label=label, team_id=execution.team_id, created_at=execution.created_at
        )
        for label in execution.labels
    ]


def labelled(runs: QuerySet[Execution], label: str, user: AnyUser) -> QuerySet[Execution]:
    """Return the user's executions that have the label, with their creation as `labelled_at`.

    The teams are read first: with their ids PostgreSQL skips the labels of other teams within the index, while with a
    subquery it looked up the executions of all of them (a small team, 90 000 of others: 1 ms against 900 ms).
    """
    teams = list(Team.objects.visible_to(user).values_list("pk", flat=True))
    having = runs.filter(label_rows__label=label, label_rows__team=F("team"), label_rows__team__in=teams)
    return having.annotate(labelled_at=F("label_rows__created_at"))


def creation_of(runs: QuerySet[Execution]) -> str:
    """Return the column of the time of creation by which to order and filter the executions.

    Of executions found by a label it is the label's, so that its index is read from where the page begins. The database
    does not know that both times are equal. Told so by a join, it estimates one row, and reads all of them.
    """
    return "labelled_at" if "labelled_at" in runs.query.annotations else "created_at"


def fill(executions: Any, labels: Any) -> int:
    """Write the missing label rows in batches; returns how many. Takes the managers of both models.

    For executions older than the table, and for those that an older release started beside this one.
    """
    before: int = labels.count()
    last: UUID | None = UUID(int=0)
    while last is not None:
        last = _fill_batch(executions, labels, after=last)
    return int(labels.count()) - before


@transaction.atomic
def _fill_batch(executions: Any, labels: Any, *, after: UUID) -> UUID | None:
    """Write the labels of the next executions; returns the last of these, None after the end."""
    # Locked, so that none is deleted before its rows are written.
    found = executions.select_for_update(no_key=True).filter(pk__gt=after).exclude(labels=[]).order_by("pk")
    runs = list(found.values_list("pk", "labels", "team_id", "created_at")[:BATCH])
    rows = (
        labels.model(execution_id=pk, label=label, team_id=team, created_at=created_at)
        for pk, names, team, created_at in runs
        for label in names
    )
    labels.bulk_create(rows, ignore_conflicts=True)
    return runs[-1][0] if runs else None
