"""The rows of the run list: filters, cursor pagination, the last step of each run, recent outcomes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Case, Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When

from accounts.models import AnyUser, Team
from executions.models import Execution, ExecutionStep
from executions.selectors.labels import creation_of, labelled
from executions.selectors.search import with_name
from executions.states import STEP_BAD, STEP_TERMINAL, ExecutionStatus, StepStatus

PAGE_SIZE = 50
OUTCOMES = 60
SINCE = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
LONGEST_SEARCH = 200


@dataclass(frozen=True)
class Filters:
    """The filters of the list, from the URL; unknown values are ignored."""

    status: str = ""
    flow: str = ""
    label: str = ""
    search: str = ""
    since: str = ""
    cursor: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Filters:
        """Read the URL's query."""
        given = {name: query.get(name, "").strip()[:LONGEST_SEARCH] for name in cls.__dataclass_fields__}
        if given["status"].upper() not in ExecutionStatus.values:
            given["status"] = ""
        if given["since"] not in SINCE:
            given["since"] = ""
        if as_uuid(given["flow"]) is None:
            given["flow"] = ""
        return cls(**{**given, "status": given["status"].upper()})

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set."""
        return any([self.status, self.flow, self.label, self.search, self.since])

    def apply(self, runs: QuerySet[Execution], user: AnyUser) -> QuerySet[Execution]:
        """Return the runs that match the filters; the search covers the flows that the user may see."""
        wanted = Q()
        if self.status:
            wanted &= Q(status=self.status)
        if self.flow:
            wanted &= Q(flow=self.flow)
        found = labelled(runs.filter(wanted), self.label, user) if self.label else runs.filter(wanted)
        if self.since:
            found = found.filter(Q((f"{creation_of(found)}__gte", datetime.now(UTC) - SINCE[self.since])))
        return with_name(found, self.search, user)


def as_uuid(text: str) -> uuid.UUID | None:
    """Return the id that the text holds, or None."""
    try:
        return uuid.UUID(text.strip())
    except ValueError:
        return None


def visible_runs(user: AnyUser, team: Team | None = None) -> QuerySet[Execution]:
    """Return all runs of the user's teams, or of `team`, without child executions.

    The teams are read first: with their ids PostgreSQL uses the index of team and creation, while with a subquery it
    read the newest runs of all teams (300 000 runs, a small team: 15 ms against 86 ms).
    """
    teams = Team.objects.visible_to(user)
    if team is not None:
        teams = teams.filter(pk=team.pk)
    return Execution.objects.filter(team__in=list(teams.values_list("pk", flat=True)), parent=None)


@dataclass(frozen=True)
class Row:
    """One run of the list, with the step to name and the number of steps that have ended."""

    run: Execution
    last_step: ExecutionStep | None
    step_count: int
    done_count: int


def list_runs(runs: QuerySet[Execution], cursor: str = "") -> tuple[list[Row], str]:
    """Return one page of the runs, newest first, and the cursor of the next page ("" if there is none).

    Three queries, however many runs.
    """
    found = list(
        _after(runs, cursor)
        .select_related("user")
        .defer("draft", "variables", "secrets", "positions", "pins", "resource_choices")
        .annotate(last_step_id=_last_step())
        .order_by(*_newest_first(runs))[: PAGE_SIZE + 1]
    )
    page = found[:PAGE_SIZE]
    steps = _steps_by_id([run.last_step_id for run in page])
    counts = _step_counts([run.id for run in page])
    rows = [Row(run, steps.get(run.last_step_id), *counts.get(run.id, (0, 0))) for run in page]
    return rows, cursor_of(page[-1]) if len(found) > PAGE_SIZE else ""


def _newest_first(runs: QuerySet[Execution]) -> tuple[str, str]:
    return f"-{creation_of(runs)}", "-id"


def cursor_of(run: Execution) -> str:
    """Return the cursor of the page after `run`."""
    return f"{run.created_at.isoformat()}~{run.id}"


def _after(runs: QuerySet[Execution], cursor: str) -> QuerySet[Execution]:
    moment, _, identifier = cursor.partition("~")
    run_id = as_uuid(identifier)
    try:
        created_at = datetime.fromisoformat(
            moment.replace(" ", "+")
        )  # "+" of an offset, unescaped by hand-made links
    except ValueError:
        return runs
    if run_id is None or created_at.tzinfo is None:
        return runs
    # PostgreSQL enters the index by the first part: without it a deep page reads all newer runs.
    creation = creation_of(runs)
    not_later, earlier = Q((f"{creation}__lte", created_at)), Q((f"{creation}__lt", created_at))
    return runs.filter(not_later & (earlier | Q(id__lt=run_id)))


def _last_step() -> Subquery:
    """Return the id of the step to name: one that runs, else one that failed, else the last that ran."""
    moving = [StepStatus.IN_PROGRESS, StepStatus.WAITING]
    rank = Case(
        When(status__in=moving, then=Value(0)),
        When(status__in=STEP_BAD, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    steps = (
        ExecutionStep.objects.filter(execution=OuterRef("pk"), attempts__gt=0)
        .exclude(status__in=[StepStatus.PENDING, StepStatus.SKIPPED])
        .order_by(rank, "-started_at", "-position")
    )
    return Subquery(steps.values("id")[:1])


def _steps_by_id(ids: list[uuid.UUID | None]) -> dict[uuid.UUID | None, ExecutionStep]:
    steps = ExecutionStep.objects.only("id", "name", "status", "attempts", "step_type")
    return {step.id: step for step in steps.filter(id__in=[each for each in ids if each])}


def _step_counts(runs: list[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    """Return the number of steps, and of those that have ended, by execution."""
    counted = (
        ExecutionStep.objects.filter(execution__in=runs)
        .order_by()
        .values_list("execution")
        .annotate(all=Count("id"), done=Count("id", filter=Q(status__in=STEP_TERMINAL)))
    )
    return {run: (every, done) for run, every, done in counted}


@dataclass(frozen=True)
class Outcome:
    """One bar: a run's status, and a height that grows with the logarithm of its duration."""

    run: Execution
    x: int
    height: int

    @property
    def y(self) -> int:
        """The bar's upper edge in a drawing 40 units high."""
        return 40 - self.height

    @property
    def left(self) -> float:
        """The bar's left edge: 7 units wide in a slot of 10."""
        return self.x + 1.5

    @property
    def notched(self) -> bool:
        """Whether the bar has a gap near its top, which marks failures without colour."""
        return self.run.status == ExecutionStatus.FAILED

    @property
    def notch_y(self) -> int:
        """The gap's upper edge."""
        return self.y + 3


def recent_outcomes(runs: QuerySet[Execution], *, limit: int = OUTCOMES) -> list[Outcome]:
    """Return the newest runs as bars, the oldest on the left. One query."""
    fields = ("id", "flow_name", "flow_version", "status", "created_at", "duration_ms")
    newest = list(runs.only(*fields).order_by(*_newest_first(runs))[:limit])
    first = limit - len(newest)  # bars are aligned to the right
    return [
        Outcome(run=run, x=(first + place) * 10, height=_height(run.duration_ms))
        for place, run in enumerate(reversed(newest))
    ]


def _height(duration_ms: int | None) -> int:
    """Return 10 units for up to 100 ms, and 3 more each time that it takes twice as long, at most 38."""
    return min(38, 10 + 3 * (max(100, duration_ms or 0) // 100).bit_length() - 3)
