"""What a team keeps no longer is removed: first what steps sent and got, later the executions themselves.

An execution goes with its children, or stays while one of them is open. Each statement is a transaction of its own
and touches a few hundred rows at most, so that nobody waits long for a lock, and what is done stays done when the
process ends half-way: what is left is found again by its age.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from accounts.models import Team
from accounts.retention import executions_days, results_days
from executions.models import Execution, ExecutionStep, SessionState, StepAttempt
from executions.states import EXECUTION_TERMINAL

#: Executions looked at together, and rows changed by one statement.
TREES = 100
ROWS = 500

#: What a step sent and got, and what was made of it; how it ended, when and why stays.
NO_RESULT: dict[str, Any] = {
    "request": None,
    "response": None,
    "whole_response": None,
    "cut_paths": None,
    "assertions": [],
    "extracted": {},
    "secret_extracts": None,
}
NO_RESULT_OF_ATTEMPT = {name: NO_RESULT[name] for name in ("request", "response", "assertions")}

GoOn = Callable[[], bool]


class Stopped(Exception):
    """`go_on` said no."""


def purge(*, go_on: GoOn = lambda: True) -> dict[str, int]:
    """Remove what is older than its team's limits; returns how many executions went, and how many lost results.

    `go_on` is asked before each portion; False ends the work, and the next call takes up the rest.
    """
    removed = {"executions": 0, "results": 0}
    try:
        for team in Team.objects.order_by("pk"):
            for trees in _trees(team, old_executions):
                removed["executions"] += remove_executions(trees, go_on=go_on)
            for trees in _trees(team, old_results):
                removed["results"] += remove_results(trees, go_on=go_on)
    except Stopped:
        pass
    return removed


def old_executions(team: Team) -> QuerySet[Execution]:
    """Return the executions that the team keeps no longer, without children."""
    return _older(team, executions_days(team))


def old_results(team: Team) -> QuerySet[Execution]:
    """Return the executions whose results the team keeps no longer, without children."""
    return _older(team, results_days(team)).filter(results_removed_at=None)


def remove_executions(ids: list[UUID], *, go_on: GoOn = lambda: True) -> int:
    """Remove the executions with all that belongs to them, children before parents; returns how many."""
    for some in _portions(list(reversed(ids)), TREES):
        steps = ExecutionStep.objects.filter(execution__in=some)
        for rows in (
            StepAttempt.objects.filter(step__execution__in=some),
            SessionState.objects.filter(execution__in=some),
            steps,
        ):
            _delete(rows, go_on)
        _ask(go_on)
        Execution.objects.filter(rerun_of__in=some).update(rerun_of=None)
        _delete(Execution.objects.filter(pk__in=some), go_on)
    return len(ids)


def remove_results(ids: list[UUID], *, go_on: GoOn = lambda: True) -> int:
    """Remove what the steps of the executions sent and got, children before parents; returns of how many executions."""
    for some in _portions(list(reversed(ids)), TREES):
        steps = ExecutionStep.objects.filter(execution__in=some)
        for keys in _portions(list(steps.order_by().values_list("pk", flat=True)), ROWS):
            _ask(go_on)
            StepAttempt.objects.filter(step__in=keys).update(**NO_RESULT_OF_ATTEMPT)
            ExecutionStep.objects.filter(pk__in=keys).update(**NO_RESULT)
        _delete(SessionState.objects.filter(execution__in=some), go_on)
        # Last, and the root of a tree last of all: by a root that is not marked all below it is found again.
        Execution.objects.filter(pk__in=some).update(results_removed_at=timezone.now())
    return len(ids)


def _older(team: Team, days: int) -> QuerySet[Execution]:
    if not days:
        return Execution.objects.none()
    before = timezone.now() - timedelta(days=days)
    # By its creation it is found in an index; a wait may have been long, and it counts from its end.
    return Execution.objects.filter(
        team=team,
        parent=None,
        created_at__lt=before,
        completed_at__lt=before,
        status__in=sorted(EXECUTION_TERMINAL),
    )


def _trees(team: Team, choose: Callable[[Team], QuerySet[Execution]]) -> Iterator[list[UUID]]:
    """Yield the ids of the team's chosen executions and their children in portions, parents first, oldest first.

    Those in which anything is still open are passed over. A limit that is changed meanwhile counts from then on.
    """
    after: tuple[datetime, UUID] | None = None
    while now := Team.objects.filter(pk=team.pk).first():
        rows = choose(now) if after is None else choose(now).filter(_later(*after))
        found = list(rows.order_by("created_at", "pk").values_list("created_at", "pk")[:TREES])
        if not found:
            return
        after = found[-1]
        if trees := _with_children([pk for _, pk in found]):
            yield trees


def _later(created_at: datetime, pk: UUID) -> Q:
    # The first part is what the index is entered by.
    return Q(created_at__gte=created_at) & (Q(created_at__gt=created_at) | Q(pk__gt=pk))


def _with_children(roots: list[UUID]) -> list[UUID]:
    """Return the roots with all below them, but no tree in which an execution is open."""
    root_of = {pk: pk for pk in roots}
    open_: set[UUID] = set()
    level = roots
    while level:
        children = [row for some in _portions(level, ROWS) for row in _children_of(some)]
        for pk, parent, status in children:
            root_of[pk] = root_of[parent]
            if status not in EXECUTION_TERMINAL:
                open_.add(root_of[pk])
        level = [pk for pk, _, _ in children]
    return [pk for pk, root in root_of.items() if root not in open_]


def _children_of(parents: list[UUID]) -> list[tuple[UUID, UUID, str]]:
    found = Execution.objects.filter(parent__in=parents).order_by()
    return list(found.values_list("pk", "parent_id", "status"))


def _delete(rows: QuerySet[Any], go_on: GoOn) -> None:
    model: type[Model] = rows.model
    more = True
    while more:
        _ask(go_on)
        keys = list(rows.order_by().values_list("pk", flat=True)[:ROWS])
        # What refers to them is gone already: Django need not look for it, row by row.
        model._default_manager.filter(pk__in=keys)._raw_delete(connection.alias)
        more = len(keys) == ROWS


def _portions(rows: list[UUID], size: int) -> Iterator[list[UUID]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _ask(go_on: GoOn) -> None:
    if not go_on():
        raise Stopped
