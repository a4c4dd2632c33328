"""The lease on a periodic job that one worker of all does: the worker that holds the lease.

The lease is renewed while the job goes on. If its holder is lost, another worker takes it when it expires. The time of
the next run is stored at the end of the job alone, so whoever comes next continues with the rest.
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


def _holder_name() -> str:
    return f"{socket.gethostname()[:50]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class JobLease:
    """The lease on the job called `name`."""

    name: str
    holder: str = field(default_factory=_holder_name)

    def renew(self) -> bool:
        """Renew the lease; False where another worker has it."""
        own = Chore.objects.filter(name=self.name, holder=self.holder, held_until__gt=Now())
        return own.update(held_until=Now() + LEASE) == 1

    def finish(self, *, every: timedelta, did: dict[str, int]) -> None:
        """Store what the job did, when it is due again, and end the lease."""
        now = Now()
        self._own().update(due_at=now + every, held_until=now, done_at=now, did=did)

    def release(self) -> None:
        """End the lease; another worker may continue with the rest at once."""
        self._own().update(held_until=Now())

    def _own(self) -> QuerySet[Chore]:
        return Chore.objects.filter(name=self.name, holder=self.holder)


def take_lease(name: str, *, even_early: bool = False) -> JobLease | None:
    """Take the lease on the job; None where another worker has it, or where it is not due (unless `even_early`)."""
    lease = JobLease(name)
    Chore.objects.get_or_create(name=name, defaults={"due_at": Now(), "held_until": Now()})
    free = Chore.objects.filter(name=name, held_until__lte=Now())
    if not even_early:
        free = free.filter(due_at__lte=Now())
    return lease if free.update(holder=lease.holder, held_until=Now() + LEASE) else None
