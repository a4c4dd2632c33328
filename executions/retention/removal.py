"""Removes what a team does not keep any longer: first what steps sent and received, later the executions themselves.

An execution is removed with its children, or stays while one of them is open. Each transaction covers executions with
a few hundred steps together, so nobody waits long for a lock. If the process ends half-way, the rest is found again by
its age.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import Team
from accounts.services.retention import executions_days, results_days
from accounts.transactions import deletion, is_conflict
from executions.models import Execution, ExecutionLabel, ExecutionStep, SessionState, StepAttempt
from executions.states import EXECUTION_TERMINAL

logger = logging.getLogger(__name__)

#: How many executions are looked at together, and how many steps one transaction changes (more if one execution has
#: more).
TREES = 100
ROWS = 500

#: What a step sent and received, and what was made of it. How it ended, when and why stays.
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
    """`go_on` returned False."""


def purge(*, go_on: GoOn = lambda: True) -> dict[str, int]:
    """Remove what is older than its team's limits; returns how many executions were removed, and how many lost results.

    `go_on` is called before each batch. False ends the work, and the next call does the rest. A team whose removal
    fails is left until then, too, and counted as `failedTeams`. Raises where the database is away.
    """
    removed = {"executions": 0, "results": 0}
    try:
        for team in Team.objects.order_by("pk"):
            try:
                _purge_team(team, removed, go_on)
            except Exception as error:
                if isinstance(error, Stopped) or _is_away(error):
                    raise
                logger.exception("retention of team %s failed", team.pk)
                removed["failedTeams"] = removed.get("failedTeams", 0) + 1
    except Stopped:
        pass
    return removed


def remove_all(team: Team) -> None:
    """Remove all executions of the team in batches, also those that run; their workers find them gone."""
    for trees in _trees(team, _all, even_open=True):
        remove_executions(trees)


def remove_rest(team: Team) -> None:
    """Remove what is left of the team's executions, in the transaction that holds the team, so no new ones begin."""
    remove_held(list(_held(Execution.objects.filter(team=team))))


def old_executions(team: Team) -> QuerySet[Execution]:
    """Return the executions that the team does not keep any longer, without child executions."""
    return _older(team, executions_days(team))


def old_results(team: Team) -> QuerySet[Execution]:
    """Return the executions whose results the team does not keep any longer, without child executions."""
    return _older(team, results_days(team)).filter(results_removed_at=None)


def remove_executions(ids: list[UUID], *, go_on: GoOn = lambda: True) -> int:
    """Remove the executions with everything that belongs to them, children before parents; returns how many."""
    return _in_batches(ids, remove_held, go_on)


def remove_results(ids: list[UUID], *, go_on: GoOn = lambda: True) -> int:
    """Remove the results of the executions' steps, children before parents; returns of how many executions."""
    return _in_batches(ids, _empty, go_on)


def _purge_team(team: Team, removed: dict[str, int], go_on: GoOn) -> None:
    for trees in _trees(team, old_executions):
        removed["executions"] += remove_executions(trees, go_on=go_on)
    for trees in _trees(team, old_results):
        removed["results"] += remove_results(trees, go_on=go_on)


def _is_away(error: Exception) -> bool:
    """Whether the database itself is away, so that the other teams would fail as well."""
    lost = isinstance(error, OperationalError) and not is_conflict(error)
    return lost or isinstance(error, InterfaceError)


def _in_batches(ids: list[UUID], work: Callable[[list[UUID]], None], go_on: GoOn) -> int:
    # The root of a tree is last: if the work stops, the rest of the tree is found again from it.
    for some in _with_few_steps(list(reversed(ids))):
        _ask(go_on)
        _work_on(some, work)
    return len(ids)


@deletion
def _work_on(ids: list[UUID], work: Callable[[list[UUID]], None]) -> None:
    # `rerun` holds this lock while it takes over results, so it never sees half of them.
    list(_held(Execution.objects.filter(pk__in=ids)))
    work(ids)


def _held(executions: QuerySet[Execution]) -> QuerySet[Execution, UUID]:
    """Return the ids of the executions and lock their rows first, as every statement of a worker does."""
    return executions.select_for_update().order_by("pk").values_list("pk", flat=True)


def remove_held(ids: list[UUID]) -> None:
    """Remove executions whose rows the transaction has locked, with everything that belongs to them.

    Also children that began since the executions were looked up. From now on none can begin.
    """
    below = list(_held(Execution.objects.filter(parent__in=ids).exclude(pk__in=ids)))
    if below:
        remove_held(below)
    for rows in (
        StepAttempt.objects.filter(step__execution__in=ids),
        SessionState.objects.filter(execution__in=ids),
        ExecutionLabel.objects.filter(execution__in=ids),
        ExecutionStep.objects.filter(execution__in=ids),
    ):
        _delete(rows)
    Execution.objects.filter(rerun_of__in=ids).update(rerun_of=None)
    _delete(Execution.objects.filter(pk__in=ids))


def _empty(ids: list[UUID]) -> None:
    StepAttempt.objects.filter(step__execution__in=ids).update(**NO_RESULT_OF_ATTEMPT)
    ExecutionStep.objects.filter(execution__in=ids).update(**NO_RESULT)
    _delete(SessionState.objects.filter(execution__in=ids))
    Execution.objects.filter(pk__in=ids).update(results_removed_at=timezone.now())


def _delete(rows: QuerySet[Any]) -> None:
    # Rows that refer to these are deleted already. So Django need not look for them row by row.
    rows.order_by()._raw_delete(connection.alias)


def _older(team: Team, days: int) -> QuerySet[Execution]:
    if not days:
        return Execution.objects.none()
    before = timezone.now() - timedelta(days=days)
    # The age counts from the end, because a run may take long. The time of creation is there for the index.
    return _ended(team).filter(created_at__lt=before, completed_at__lt=before)


def _all(team: Team) -> QuerySet[Execution]:
    return Execution.objects.filter(team=team, parent=None)


def _ended(team: Team) -> QuerySet[Execution]:
    return Execution.objects.filter(team=team, parent=None, status__in=sorted(EXECUTION_TERMINAL))


def _trees(
    team: Team, choose: Callable[[Team], QuerySet[Execution]], *, even_open: bool = False
) -> Iterator[list[UUID]]:
    """Yield the ids of the team's chosen executions and their children in batches, parents first, oldest first.

    A tree in which anything is still open is left out (unless `even_open`). A limit that changes meanwhile applies from
    then on.
    """
    after: tuple[datetime, UUID] | None = None
    while now := Team.objects.filter(pk=team.pk).first():
        rows = choose(now) if after is None else choose(now).filter(_later(*after))
        found = list(rows.order_by("created_at", "pk").values_list("created_at", "pk")[:TREES])
        if not found:
            return
        after = found[-1]
        if trees := with_children([pk for _, pk in found], even_open=even_open):
            yield trees


def _later(created_at: datetime, pk: UUID) -> Q:
    # The first part is for the index.
    return Q(created_at__gte=created_at) & (Q(created_at__gt=created_at) | Q(pk__gt=pk))


def with_children(roots: list[UUID], *, even_open: bool = False) -> list[UUID]:
    """Return the roots with all their descendants, without trees that have an open descendant (unless `even_open`)."""
    root_of = {pk: pk for pk in roots}
    open_: set[UUID] = set()
    level = roots
    while level:
        children = [row for some in _batches(level, ROWS) for row in _children_of(some)]
        for pk, parent, status in children:
            root_of[pk] = root_of[parent]
            if status not in EXECUTION_TERMINAL:
                open_.add(root_of[pk])
        level = [pk for pk, _, _ in children]
    return [pk for pk, root in root_of.items() if even_open or root not in open_]


def _children_of(parents: list[UUID]) -> list[tuple[UUID, UUID, str]]:
    found = Execution.objects.filter(parent__in=parents).order_by()
    return list(found.values_list("pk", "parent_id", "status"))


def _with_few_steps(ids: list[UUID]) -> Iterator[list[UUID]]:
    """Yield the executions in batches with up to ROWS steps together; an execution with more is alone."""
    for some in _batches(ids, TREES):
        steps = ExecutionStep.objects.filter(execution__in=some).order_by()
        counts = dict(steps.values_list("execution").annotate(Count("pk")))
        batch: list[UUID] = []
        size = 0
        for each in some:
            count = counts.get(each, 0)
            if batch and size + count > ROWS:
                yield batch
                batch, size = [], 0
            batch.append(each)
            size += count
        yield batch


def _batches(rows: list[UUID], size: int) -> Iterator[list[UUID]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _ask(go_on: GoOn) -> None:
    if not go_on():
        raise Stopped
