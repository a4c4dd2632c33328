"""Admission: an organisation runs a limited number of executions at once. The others wait, the oldest is next.

A waiting execution is PENDING and not `admitted`. It costs a row and nothing else. It is admitted when another
execution of the organisation ends. A sweeper of any worker looks every few seconds, too, so a lost worker holds up
nobody. Near the limit the organisation's row is locked, so that the limit is exact. Far from it nobody waits.
Child executions belong to their parent's turn. A delayed execution asks for its turn when the delay is over.
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

#: How many requests may be under way in all web processes at once. So close to the limit they run one by one.
MARGIN = 100
#: When a client may try again that is refused because too many executions wait; in seconds.
RETRY_AFTER_SECONDS = 10


class RunRefused(Exception):
    """The run cannot be started; `problems` says everything that is wrong with the request."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems."""
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))


class TooManyRuns(RunRefused):
    """The organisation has as many runs as it may; `retry_after` is in seconds."""

    code = "too_many_runs"

    def __init__(self, message: str, retry_after: int) -> None:
        """Keep when to come back."""
        self.retry_after = retry_after
        super().__init__([Problem("", self.code, message)])


def place(execution: Execution) -> bool:
    """Return whether the new execution may begin at once; otherwise it waits. Raises TooManyRuns.

    Call it in the transaction that writes the execution.
    """
    if execution.parent_id is not None:
        return True
    grant = grant_of_team(execution.team_id)
    limits, load = grant.limits, statements.admission.load(grant.organisation_id)
    if load.recent >= limits.runs_per_minute:
        raise _too_fast(grant.organisation_id, limits)
    delayed = execution.due_at is not None
    if not delayed and not load.due and load.running + MARGIN < limits.concurrent_executions:
        return True
    statements.admission.lock_organisation(grant.organisation_id)
    load = statements.admission.load(grant.organisation_id)
    if not delayed and not load.due and load.running < limits.concurrent_executions:
        return True
    if load.waiting >= limits.waiting_executions:
        raise _too_many(load, limits)
    return False


def _too_fast(organisation_id: UUID, limits: Limits) -> TooManyRuns:
    newest = statements.admission.newest(organisation_id).values_list("created_at", flat=True)
    first = newest[limits.runs_per_minute - 1 : limits.runs_per_minute].first() or timezone.now()
    wait = math.ceil((first + WINDOW - timezone.now()).total_seconds())
    return TooManyRuns(
        f"the organisation has started {limits.runs_per_minute} runs within the last 60 seconds, its limit",
        max(1, min(60, wait)),
    )


def _too_many(load: Load, limits: Limits) -> TooManyRuns:
    return TooManyRuns(
        f"{load.running} executions of the organisation are under way (its limit is {limits.concurrent_executions})"
        f" and {load.waiting} wait (its limit is {limits.waiting_executions})",
        RETRY_AFTER_SECONDS,
    )


def take_turn(execution: Execution) -> bool:
    """Admit the executions for which there is room; returns whether this waiting one is among them."""
    admitted = admit(grant_of_team(execution.team_id).organisation_id, publish_not=execution.pk)
    return execution.pk in admitted


def after_end(execution: Execution) -> None:
    """Admit waiting executions in the place of one that has ended."""
    if execution.parent_id is not None or not statements.admission.waiting().exists():
        return
    with suppress(Team.DoesNotExist):  # deleted meanwhile: a sweeper admits the others
        admit(grant_of_team(execution.team_id).organisation_id)


def sweep() -> None:
    """Admit whatever there is room for: an execution that ended when its worker was lost has admitted no other."""
    due = statements.admission.waiting_and_due(timezone.now()).order_by()
    for organisation_id in due.values_list("team__organisation_id", flat=True).distinct():
        admit(organisation_id)


def admit(organisation_id: UUID, *, publish_not: UUID | None = None) -> list[UUID]:
    """Admit the oldest waiting executions for which the organisation has room, and publish them; returns which.

    `publish_not` is one that the caller itself runs.
    """
    chosen = _admit(organisation_id)
    for pk, cursor in chosen:
        if pk != publish_not:
            chain.publish_from(pk, cursor or 0, begin=True)
    return [pk for pk, _ in chosen]


@retried
def _admit(organisation_id: UUID) -> list[tuple[UUID, int | None]]:
    """Admit as many as there is room for; returns each with the position where it begins."""
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
