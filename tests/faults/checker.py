"""What must hold after any fault, looked up in the database and at the target: not in what the engine says of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import psycopg

from executions.states import EXECUTION_TERMINAL, STEP_TERMINAL
from tests.faults.installation import FaultyWorker

EXECUTION, STEP, ATTEMPT = "executions_execution", "executions_executionstep", "executions_stepattempt"


def _in(statuses: Iterable[str]) -> str:
    return "(" + ", ".join(f"'{status}'" for status in sorted(statuses)) + ")"


_OVER, _ENDED = _in(EXECUTION_TERMINAL), _in(STEP_TERMINAL)

#: The database itself keeps book of what must never happen, and of every step that lost its worker.
_BOOK = f"""
CREATE TABLE fault_book (at double precision DEFAULT extract(epoch FROM clock_timestamp()), what text, told text);
CREATE FUNCTION fault_execution() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF OLD.status IN {_OVER} AND NEW.status <> OLD.status THEN
    INSERT INTO fault_book (what, told) VALUES ('changed', OLD.id || ' ' || OLD.status || '>' || NEW.status);
  END IF;
  IF NEW.sequence < OLD.sequence THEN
    INSERT INTO fault_book (what, told) VALUES ('backwards', OLD.id || ' ' || NEW.sequence);
  END IF;
  RETURN NULL; END $$;
CREATE FUNCTION fault_step() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF OLD.status IN {_ENDED} AND NEW.status <> OLD.status THEN
    INSERT INTO fault_book (what, told) VALUES ('changed', OLD.id || ' ' || OLD.status || '>' || NEW.status);
  END IF;
  IF NEW.losses > OLD.losses THEN INSERT INTO fault_book (what, told) VALUES ('lost', OLD.owner); END IF;
  RETURN NULL; END $$;
CREATE TRIGGER fault_book AFTER UPDATE ON {EXECUTION} FOR EACH ROW EXECUTE FUNCTION fault_execution();
CREATE TRIGGER fault_book AFTER UPDATE ON {STEP} FOR EACH ROW EXECUTE FUNCTION fault_step();
"""

#: Sentence: a query that must find nothing.
_NEVER = {
    "a terminal state changed, or a sequence went backwards": (
        "SELECT what, told FROM fault_book WHERE what IN ('changed', 'backwards')"
    ),
    "an execution without an end": f"SELECT id, status, cursor, remaining FROM {EXECUTION} WHERE status NOT IN {_OVER}",
    "a step without an end": f"SELECT id, name, status FROM {STEP} WHERE status NOT IN {_ENDED}",
    "an ended execution that is still looked at, or counts open steps": (
        f"SELECT id FROM {EXECUTION} WHERE status IN {_OVER}"
        " AND (look_at IS NOT NULL OR cursor IS NOT NULL OR (remaining <> 0 AND started_at IS NOT NULL))"
    ),
    "attempts that do not match their step": (
        f"SELECT s.id, s.name, s.attempts, count(a.id) FROM {STEP} s LEFT JOIN {ATTEMPT} a ON a.step_id = s.id"
        " GROUP BY s.id HAVING s.attempts <> count(a.id)"
    ),
    "an execution that ended otherwise than its steps": (
        f"SELECT e.id, e.status FROM {EXECUTION} e WHERE e.cancel_requested_at IS NULL AND"
        f" (e.status = 'COMPLETED') = EXISTS (SELECT 1 FROM {STEP} s WHERE s.execution_id = e.id"
        " AND s.status IN ('FAILED', 'ERROR', 'CANCELLED'))"
    ),
    "a step that failed of something else than a lost worker": (
        f"SELECT id, name, status, error FROM {STEP} WHERE status IN ('FAILED', 'ERROR')"
        " AND (error IS NULL OR error NOT LIKE '%%interrupted%%')"
    ),
}


@dataclass
class Findings:
    """What the checker found: `broken` must be empty; the rest are figures."""

    broken: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    interrupted: int = 0
    #: Seconds from a worker's death to the taking back of each of its steps.
    detections: list[float] = field(default_factory=list)
    most_effects_unsafe: int = 0
    repeated_safe: int = 0

    @property
    def slowest_detection(self) -> float:
        """Seconds; 0 where no step lost its worker."""
        return max(self.detections, default=0.0)


def keep_book(database_url: str) -> None:
    """Have the database note what happens from now on; run it once, before the faults."""
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(_BOOK.encode())


def open_executions(database_url: str) -> int:
    """Return how many executions have no terminal state."""
    with psycopg.connect(database_url, autocommit=True) as server:
        row = server.execute(
            f"SELECT count(*) FROM {EXECUTION} WHERE status NOT IN {_OVER}".encode()
        ).fetchone()
    return 0 if row is None else int(row[0])


def check(
    database_url: str, *, accepted: Iterable[str], effects: Mapping[str, int], workers: Iterable[FaultyWorker],
    other_failures: bool = False,
) -> Findings:  # fmt: skip
    """Check everything; `accepted` are the ids that were answered with 201, `effects` calls by key at the target.

    `other_failures` allows steps to end in ERROR of more than a lost worker (targets that were away).
    """
    found = Findings()
    with psycopg.connect(database_url, autocommit=True) as server:
        for sentence, query in _NEVER.items():
            if other_failures and sentence.startswith("a step that failed"):
                continue
            rows = server.execute(query.replace("%%", "%").encode()).fetchall()
            found.broken += [f"{sentence}: {row}" for row in rows[:5]]
        known = server.execute(f"SELECT id::text, status FROM {EXECUTION}".encode()).fetchall()
        steps = server.execute(
            f"SELECT execution_id::text, name, status, error FROM {STEP} WHERE step_type = 'http'".encode()
        ).fetchall()
        lost = server.execute("SELECT at, told FROM fault_book WHERE what = 'lost'").fetchall()
    found.statuses.update(status for _, status in known)
    missing = set(accepted) - {identifier for identifier, _ in known}
    found.broken += [f"a run was answered with 201 and is not there: {each}" for each in sorted(missing)[:5]]
    for execution, name, status, error in steps:
        _check_effects(found, effects.get(f"{execution}.{name}", 0), (execution, name, status, error))
    found.detections = list(_detections(lost, workers))
    return found


def _check_effects(found: Findings, count: int, step: tuple[str, str, str, str | None]) -> None:
    """Compare the calls of one step, counted outside, with how it ended."""
    execution, name, status, error = step
    found.interrupted += "interrupted" in (error or "")
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


def _detections(lost: list[tuple[float, str]], workers: Iterable[FaultyWorker]) -> Iterable[float]:
    """Return, for each step that was taken back, how long its worker had been dead (or frozen) by then."""
    deaths = {(pid, at) for worker in workers for pid, at, _ in worker.deaths}
    for at, owner in lost:
        pid = int(owner.split(":")[1])
        before = [death for dead, death in deaths if dead == pid and death < at]
        if before:
            yield at - max(before)
