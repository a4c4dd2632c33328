"""The lease on a periodic job has one holder at a time, and a lost holder holds up nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from executions.models import Chore
from executions.worker.job_lease import take_lease

pytestmark = pytest.mark.django_db


def test_one_worker_has_it_until_the_job_is_done() -> None:
    lease = take_lease("sweep")
    assert lease is not None
    assert take_lease("sweep") is None
    assert take_lease("sweep", even_early=True) is None
    lease.finish(every=timedelta(hours=1), did={"rows": 3})
    assert take_lease("sweep") is None  # not due
    assert Chore.objects.get().did == {"rows": 3}
    assert take_lease("sweep", even_early=True) is not None


def test_a_released_lease_can_be_taken_at_once() -> None:
    lease = take_lease("sweep")
    assert lease is not None
    lease.release()
    assert take_lease("sweep") is not None


def test_a_lost_holder_is_replaced_and_cannot_come_back() -> None:
    lost = take_lease("sweep")
    assert lost is not None
    assert lost.renew()
    Chore.objects.update(held_until=Now() - timedelta(seconds=1))
    assert not lost.renew()
    new = take_lease("sweep")
    assert new is not None
    lost.finish(every=timedelta(hours=1), did={})
    lost.release()
    assert new.renew()
    assert Chore.objects.get().done_at is None


def test_jobs_have_leases_of_their_own() -> None:
    assert take_lease("sweep") is not None
    assert take_lease("dust") is not None
