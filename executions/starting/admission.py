"""Admission: an organisation runs a limited number of executions at once; others wait, the oldest first.

A waiting execution is PENDING and not `admitted`; it costs a row and nothing else. It is admitted when another
execution of the organisation ends. The sweepers check every few seconds as well, so that a lost worker holds up nobody.
Near the limit the organisation's row is locked, so that the limit is exact; far from it no request waits for another.
Child executions are admitted with their parent. Delayed ones are admitted when their delay is over.
"""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.models import Team
from accounts.transactions import retried
from executions import statements
from executions.broker import chain
from executions.models import Execution
from executions.statements.admission import WINDOW, Load
from resources.limits.effective import Limits, grant_of, grant_of_team
from steprunners.documents.problems import Problem

#: The most requests that all web processes handle at once: this close to the limit they are admitted one by one.
MARGIN = 100
#: `Retry-After` of a request that is refused because too many executions wait, in seconds.
RETRY_AFTER_SECONDS = 10


class RunRefused(Exception):
    """The run cannot be started; `problems` lists everything that is wrong with the request."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems."""
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))


class TooManyRuns(RunRefused):
    """The organisation has reached a limit of its runs; `retry_after` is in seconds."""

    code = "too_many_runs"

    def __init__(self, message: str, retry_after: int) -> None:
        """Keep when the client may try again."""
        self.retry_after = retry_after
        super().__init__([Problem("", self.code, message)])


def admit_new(execution: Execution) -> bool:
    """Return whether the new execution is admitted at once; otherwise it waits.

    Call it in the transaction that writes the execution. Raises TooManyRuns.
    """
    if execution.parent_id is not None:
        return True
    grant = grant_of_team(execution.team_id)
    limits, load = grant.limits, statements.admission.load(grant.organisation_id)
    if load.recent >= limits.runs_per_minute:
        raise _too_many_a_minute(grant.organisation_id, limits)
    delayed = execution.due_at is not None
    if not delayed and not load.due and load.running + MARGIN < limits.concurrent_executions:
        return True
    statements.admission.lock_organisation(grant.organisation_id)
    load = statements.admission.load(grant.organisation_id)
    if not delayed and not load.due and load.running < limits.concurrent_executions:
        return True
    if load.waiting >= limits.waiting_executions:
        raise _too_many_waiting(load, limits)
    return False


def _too_many_a_minute(organisation_id: UUID, limits: Limits) -> TooManyRuns:
    newest = statements.admission.newest(organisation_id).values_list("created_at", flat=True)
    first = newest[limits.runs_per_minute - 1 : limits.runs_per_minute].first() or timezone.now()
    wait = math.ceil((first + WINDOW - timezone.now()).total_seconds())
    return TooManyRuns(
        f"the organisation has reached its limit of {limits.runs_per_minute} runs in 60 seconds",
        max(1, min(60, wait)),
    )


def _too_many_waiting(load: Load, limits: Limits) -> TooManyRuns:
    return TooManyRuns(
        f"the organisation has {load.running} executions running (limit {limits.concurrent_executions})"
        f" and {load.waiting} waiting (limit {limits.waiting_executions})",
        RETRY_AFTER_SECONDS,
    )


def admit_now(execution: Execution) -> bool:
    """Admit waiting executions of the organisation as far as there is room; returns whether this one is among them."""
    admitted = admit(grant_of_team(execution.team_id).organisation_id, publish_not=execution.pk)
    return execution.pk in admitted


def after_end(execution: Execution) -> None:
    """Admit a waiting execution in place of one that has ended."""
    if execution.parent_id is not None or not statements.admission.waiting().exists():
        return
    with suppress(Team.DoesNotExist):  # the team was deleted meanwhile: a sweeper admits the others
        admit(grant_of_team(execution.team_id).organisation_id)


def admit_waiting() -> None:
    """Admit the waiting executions of all organisations as far as there is room.

    For executions that ended when a worker was lost: `after_end` was not called.
    """
    due = statements.admission.waiting_and_due(timezone.now()).order_by()
    for organisation_id in due.values_list("team__organisation_id", flat=True).distinct():
        admit(organisation_id)


def admit(organisation_id: UUID, *, publish_not: UUID | None = None) -> list[UUID]:
    """Admit the oldest waiting executions as far as the organisation has room; returns their ids.

    `publish_not` is one that the caller itself runs.
    """
    chosen = _admit(organisation_id)
    for pk, cursor in chosen:
        if pk != publish_not:
            chain.publish_from(pk, cursor or 0, begin=True)
    return [pk for pk, _ in chosen]


@retried
def _admit(organisation_id: UUID) -> list[tuple[UUID, int | None]]:
    """Admit the oldest waiting executions; returns their ids and the positions at which they begin."""
    organisation = statements.admission.lock_organisation(organisation_id)
    if organisation is None:
        return []
    room = (
        grant_of(organisation).limits.concurrent_executions
        - statements.admission.load(organisation_id).running
    )
    if room <= 0:
        return []
    now = timezone.now()
    oldest = statements.admission.waiting_and_due(now).filter(team__organisation_id=organisation_id)
    chosen = list(oldest.order_by("created_at", "pk").values_list("pk", "cursor")[:room])
    look_at = now + timedelta(seconds=settings.ENGINE_UNCLAIMED_SECONDS)
    ids = [pk for pk, _ in chosen]
    statements.admission.waiting().filter(pk__in=ids).update(admitted=True, look_at=look_at, looks=0)
    return chosen
