"""What must hold after any fault, looked up in the database and at the target: not asked of the engine."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.faults.installation import FaultyWorker
from tests.faults.losses import Loss, losses

BOOK = Path(__file__).with_name("book.sql")


@dataclass
class Findings:
    """What the checker found: `broken` must be empty; the rest are figures."""

    broken: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    #: Steps by the code of their error.
    errors: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    #: Those of the lost steps whose worker was dead.
    losses: list[Loss] = field(default_factory=list)
    most_effects_unsafe: int = 0
    repeated_safe: int = 0

    @property
    def slowest_detection(self) -> float:
        """Seconds; 0 where no step lost its worker."""
        return max((loss.detected for loss in self.losses), default=0.0)


def keep_book(database_url: str) -> None:
    """Have the database note what happens from now on; run it once, before the faults."""
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(BOOK.read_bytes())


def close_book(database_url: str) -> None:
    """Have the database forget its book, and note nothing any more."""
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute("DROP FUNCTION fault_execution, fault_step CASCADE")
        server.execute("DROP TABLE fault_book CASCADE")


def open_executions(database_url: str) -> int:
    """Return how many executions have no terminal state."""
    with psycopg.connect(database_url, autocommit=True) as server:
        row = server.execute(
            "SELECT count(*) FROM fault_findings WHERE what LIKE 'an execution without%'"
        ).fetchone()
    return 0 if row is None else int(row[0])


def check(
    database_url: str, *, accepted: Iterable[str], effects: Mapping[str, int], workers: Iterable[FaultyWorker]
) -> Findings:
    """Check everything; `accepted` are the ids that were answered with 201, `effects` calls by key at the target."""
    found = Findings()
    with psycopg.connect(database_url, autocommit=True) as server:
        for what, told in server.execute("SELECT what, told FROM fault_findings LIMIT 20"):
            found.broken.append(f"{what}: {told}")
        known = server.execute("SELECT id::text, status FROM executions_execution").fetchall()
        steps = server.execute(
            "SELECT execution_id::text, name, status, error FROM executions_executionstep WHERE step_type = 'http'"
        ).fetchall()
        found.lost = len(server.execute("SELECT FROM fault_book WHERE what = 'lost'").fetchall())
    found.statuses.update(status for _, status in known)
    missing = set(accepted) - {identifier for identifier, _ in known}
    found.broken += [f"a run was answered with 201 and is not there: {each}" for each in sorted(missing)[:5]]
    for execution, name, status, error in steps:
        _check_effects(found, effects.get(f"{execution}.{name}", 0), (execution, name, status, error))
    found.losses = losses(database_url, workers)
    return found


def _check_effects(found: Findings, count: int, step: tuple[str, str, str, str | None]) -> None:
    """Compare the calls of one step, counted outside, with how it ended."""
    execution, name, status, error = step
    if error:
        found.errors[json.loads(error)["code"]] += 1
    if name == "unsafe":
        found.most_effects_unsafe = max(found.most_effects_unsafe, count)
    else:
        found.repeated_safe += count > 1
    if name == "unsafe" and count > 1:
        found.broken.append(f"an unsafe step of {execution} had {count} effects ({status})")
    if status == "SUCCESS" and count == 0:
        found.broken.append(f"{name} of {execution} is SUCCESS and had no effect")
    if status == "SKIPPED" and count:
        found.broken.append(f"{name} of {execution} is SKIPPED and had {count} effects")
