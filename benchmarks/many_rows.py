"""A database with very many executions, as the engine leaves them: for measuring what reads and removes them.

Rows go in by COPY (PostgreSQL) or `executemany` (SQLite). Django is to be set up, and the database migrated.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction

from accounts.models import Organisation, OrganisationMembership, Team, TeamMembership, User
from executions.models import Execution, ExecutionLabel, ExecutionStep, StepAttempt
from executions.statements.database.rows import to_database
from flows.models import Flow, FlowVersion

#: Share of all executions, by team; the last has few, all of them old.
SHARES = {"Checkout": 0.7, "Payments": 0.2997, "Archive": 0.0003}
FLOWS_OF_A_TEAM = 200
DAYS = 400
PORTION = 5_000
#: Executions that have this label, whatever their number is.
RARE = 40
STEPS = 3
#: Share of the steps that have a row of their attempt too.
ATTEMPTS = 0.2
REQUEST = {"method": "GET", "url": "http://shop/orders"}
ASSERTION = {"field": "status", "operator": "equals", "expectedValue": 200}
RESPONSE = {"status": 200, "headers": {"content-type": "application/json"}, "body": {"items": ["x" * 40] * 8}}


@dataclass(frozen=True)
class Cast:
    """Who asks, and what they ask for: the newest run and flow of the largest team."""

    root: User
    member: User
    teams: dict[str, Team]
    flows: dict[str, list[FlowVersion]]


def make_cast() -> Cast:
    """Make the users, teams and flows that the executions belong to."""
    root = User.objects.create_superuser("root@example.com")
    member = User.objects.create_user("member@example.com")
    organisation = Organisation.objects.create(name="Acme")
    OrganisationMembership.objects.create(organisation=organisation, user=member)
    teams = {name: Team.objects.create(organisation=organisation, name=name) for name in SHARES}
    for team in teams.values():
        TeamMembership.objects.create(team=team, user=member)
    return Cast(root, member, teams, {name: _flows_of(team) for name, team in teams.items()})


def _flows_of(team: Team) -> list[FlowVersion]:
    names = [f"{team.name} flow {number}" for number in range(FLOWS_OF_A_TEAM - 1)] + [f"{team.name} needle"]
    flows = Flow.objects.bulk_create(Flow(team=team, name=name, version=1) for name in names)
    document = {"name": "flow", "steps": []}
    return FlowVersion.objects.bulk_create(
        FlowVersion(flow=flow, number=1, document=document) for flow in flows
    )


def fill(cast: Cast, executions: int, *, seed: int = 1) -> None:
    """Write the executions, oldest first, each with three steps, and every fifth step with its attempt too."""
    chance = random.Random(seed)
    newest = datetime.now(UTC) - timedelta(minutes=1)
    pause = timedelta(days=DAYS) / executions
    rare = max(1, executions // RARE)
    writer = _Writer(cast, chance)
    for numbers in _portions(range(executions), PORTION):
        for number in numbers:
            writer.add(newest - pause * (executions - number), rare=number % rare == 0)
        writer.write()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _portions(numbers: Iterable[int], size: int) -> Iterator[list[int]]:
    rest = iter(numbers)
    while portion := list(itertools.islice(rest, size)):
        yield portion


def id_at(moment: datetime, chance: random.Random) -> UUID:
    """Return a UUIDv7 of that moment."""
    milliseconds = int(moment.timestamp() * 1000)
    tail = (7 << 76) | (chance.getrandbits(12) << 64) | (2 << 62) | chance.getrandbits(62)
    return UUID(int=(milliseconds << 80) | tail)


def _stored(of: models.Field[Any, Any], value: Any) -> Any:
    return None if value is None else to_database(of, value)


class _Template:
    """Rows of one model that are alike but for a few columns: a model instance each would take ten times as long."""

    def __init__(self, like: models.Model) -> None:
        self.model = type(like)
        self.fields = self.model._meta.concrete_fields
        self._places = {each.attname: place for place, each in enumerate(self.fields)}
        self._like = [_stored(each, getattr(like, each.attname)) for each in self.fields]

    def row(self, **changes: Any) -> list[Any]:
        """Return a row with these columns different."""
        row = self._like.copy()
        for name, value in changes.items():
            place = self._places[name]
            row[place] = _stored(self.fields[place], value)
        return row


class _Writer:
    """Makes rows, and writes them in portions."""

    def __init__(self, cast: Cast, chance: random.Random) -> None:
        self._cast, self._chance = cast, chance
        at = datetime.now(UTC)
        variables = [{"name": "base_url", "type": "string", "value": "http://shop", "secret": False}]
        self._runs = _Template(
            Execution(source="API", variables=variables, sequence=7, created_at=at, flow_version=1)
        )
        self._steps = _Template(ExecutionStep(
            flow_step_id="id", step_type="http", attempts=1, end_position=0, duration_ms=40, request=REQUEST,
            definition={"name": "step", "stepType": "http", "meta": {"url": "${base_url}/orders"}},
            response=RESPONSE, assertions=[{**ASSERTION, "passed": True}],
        ))  # fmt: skip
        self._attempts = _Template(StepAttempt(
            number=1, status="SUCCESS", duration_ms=40, request=REQUEST, response=RESPONSE
        ))  # fmt: skip
        self._labels = _Template(ExecutionLabel(created_at=at))
        self._made: dict[_Template, list[list[Any]]] = {
            each: [] for each in (self._runs, self._labels, self._steps, self._attempts)
        }

    def add(self, moment: datetime, *, rare: bool) -> None:
        """Make an execution of that moment with its steps."""
        chance, ended = self._chance, moment + timedelta(milliseconds=120)
        name = chance.choices(list(SHARES), list(SHARES.values()))[0]
        # A few flows run most of the time; the last of each team only where it is rare.
        place = FLOWS_OF_A_TEAM - 1 if rare else min(int(chance.paretovariate(0.5)) - 1, FLOWS_OF_A_TEAM - 2)
        version = self._cast.flows[name][place]
        status = chance.choices(["COMPLETED", "FAILED", "CANCELLED"], [0.93, 0.0695, 0.0005])[0]
        run_id, team_id = id_at(moment, chance), self._cast.teams[name].pk
        labels = ["rare"] if rare else ["nightly", "smoke"] if chance.random() < 0.3 else []
        self._made[self._runs].append(self._runs.row(
            id=run_id, team_id=team_id, flow_id=version.flow_id, version_id=version.pk,
            flow_name=version.flow.name, status=status, failed=status == "FAILED",
            user_id=(self._cast.member if chance.random() < 0.5 else self._cast.root).pk,
            labels=labels, created_at=moment, started_at=moment, completed_at=ended,
            duration_ms=chance.randint(20, 4_000),
        ))  # fmt: skip
        self._made[self._labels] += [
            self._labels.row(execution_id=run_id, label=label, team_id=team_id, created_at=moment)
            for label in labels
        ]
        times = {"started_at": moment, "completed_at": ended}
        for position in range(STEPS):
            step_id = id_at(moment, chance)
            bad = status == "FAILED" and position == STEPS - 1
            outcome = {"status": "FAILED" if bad else "SUCCESS", **times}
            self._made[self._steps].append(self._steps.row(
                id=step_id, execution_id=run_id, position=position, name=f"step_{position}", **outcome
            ))  # fmt: skip
            if chance.random() < ATTEMPTS:
                self._made[self._attempts].append(
                    self._attempts.row(id=id_at(moment, chance), step_id=step_id, **outcome)
                )

    def write(self) -> None:
        """Write what was made."""
        with transaction.atomic():
            for template, rows in self._made.items():
                _write(template.model, rows)
                rows.clear()


def _write(model: type[models.Model], rows: Sequence[list[Any]]) -> None:
    columns = [str(each.column) for each in model._meta.concrete_fields]
    names, table = ", ".join(f'"{each}"' for each in columns), model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            marks = ", ".join(["%s"] * len(columns))
            insert = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names of models, no input
            cursor.executemany(insert, rows)
            return
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
