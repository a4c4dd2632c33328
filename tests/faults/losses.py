"""How long it took from a worker's death until its steps went on, in phases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import psycopg

from tests.faults.installation import FaultyWorker

#: When, what (`lost`, `then`), told (the lost owner, the new status), step, the lease's end.
Note = tuple[float, str, str, str, float | None]


@dataclass(frozen=True)
class Loss:
    """A step whose worker was dead, or frozen, when it was taken back. All in seconds."""

    #: From the death to the taking back: the detection.
    detected: float
    #: From the death to the lease's end.
    lease: float
    #: From the lease's end to the taking back.
    taken: float
    #: From the taking back until it was queued again, or ended.
    settled: float
    #: From then until a worker claimed it again; 0 where it ended.
    claimed: float


def losses(database_url: str, workers: Iterable[FaultyWorker]) -> list[Loss]:
    """Return what the book has of steps that lost a worker which was killed, or frozen and not thawed by then."""
    with psycopg.connect(database_url, autocommit=True) as server:
        notes: list[Note] = server.execute(
            "SELECT at, what, told, step::text, lease_end FROM fault_book WHERE step IS NOT NULL ORDER BY at"
        ).fetchall()
    return list(_losses(notes, list(workers)))


def slowest(found: Sequence[Loss]) -> str:
    """Return the longest of each phase."""
    phases = ("lease", "taken", "settled", "claimed")
    return ", ".join(
        f"{phase} {max((getattr(loss, phase) for loss in found), default=0):.1f}" for phase in phases
    )


def _losses(notes: list[Note], workers: list[FaultyWorker]) -> Iterator[Loss]:
    for index, (at, what, owner, step, lease_end) in enumerate(notes):
        if what != "lost":
            continue
        death = _death(int(owner.split(":")[1]), at, workers)
        if death is None or lease_end is None:
            continue
        then = [(later, status) for later, _, status, other, _ in notes[index + 1 :] if other == step][:2]
        settled = then[0][0] - at if then else 0.0
        waits = len(then) > 1 and then[0][1] == "WAITING"
        claimed = then[1][0] - then[0][0] if waits else 0.0
        yield Loss(at - death, lease_end - death, at - lease_end, settled, claimed)


def _death(pid: int, at: float, workers: list[FaultyWorker]) -> float | None:
    """Return when the process died; None where it lived then (its step was taken back for another reason)."""
    deaths = [each for worker in workers for each in worker.deaths if each.pid == pid and each.at < at]
    if not deaths or any(each.until < at for each in deaths):
        return None
    return max(each.at for each in deaths)
