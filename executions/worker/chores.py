"""Work that one worker of all does now and then: whoever gets the lease on its row.

The lease is renewed while the work goes on. A holder that is lost is replaced when it is over, and since the next time
is set at the end alone, whoever comes next takes up the rest.
"""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from executions.models import Chore

LEASE = timedelta(seconds=60)


def _own_name() -> str:
    return f"{socket.gethostname()[:50]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Held:
    """The lease on a chore."""

    name: str
    holder: str = field(default_factory=_own_name)

    def renew(self) -> bool:
        """Move the lease's end; False where somebody else has it."""
        mine = Chore.objects.filter(name=self.name, holder=self.holder, held_until__gt=Now())
        return mine.update(held_until=Now() + LEASE) == 1

    def finish(self, *, every: timedelta, did: dict[str, int]) -> None:
        """Note that it is done, and when it is to be done again."""
        now = Now()
        self._mine().update(due_at=now + every, held_until=now, done_at=now, did=did)

    def let_go(self) -> None:
        """Leave the rest to whoever comes next, now."""
        self._mine().update(held_until=Now())

    def _mine(self) -> QuerySet[Chore]:
        return Chore.objects.filter(name=self.name, holder=self.holder)


def take(name: str, *, even_early: bool = False) -> Held | None:
    """Take the chore; None where it is not due yet (unless `even_early`), or somebody else is at it."""
    held = Held(name)
    Chore.objects.get_or_create(name=name, defaults={"due_at": Now(), "held_until": Now()})
    free = Chore.objects.filter(name=name, held_until__lte=Now())
    if not even_early:
        free = free.filter(due_at__lte=Now())
    return held if free.update(holder=held.holder, held_until=Now() + LEASE) else None
