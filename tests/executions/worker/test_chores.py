"""Tests of `executions.worker.chores`: one holder at a time, and none who is lost holds anybody up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from executions.models import Chore
from executions.worker import chores

pytestmark = pytest.mark.django_db


def test_one_has_it_until_it_is_done() -> None:
    held = chores.take("sweep")
    assert held is not None
    assert chores.take("sweep") is None
    assert chores.take("sweep", even_early=True) is None
    held.finish(every=timedelta(hours=1), did={"rows": 3})
    assert chores.take("sweep") is None  # not due
    assert Chore.objects.get().did == {"rows": 3}
    assert chores.take("sweep", even_early=True) is not None


def test_who_lets_go_leaves_it_to_the_next() -> None:
    held = chores.take("sweep")
    assert held is not None
    held.let_go()
    assert chores.take("sweep") is not None


def test_a_lost_holder_is_replaced_and_cannot_come_back() -> None:
    lost = chores.take("sweep")
    assert lost is not None
    assert lost.renew()
    Chore.objects.update(held_until=Now() - timedelta(seconds=1))
    assert not lost.renew()
    new = chores.take("sweep")
    assert new is not None
    lost.finish(every=timedelta(hours=1), did={})
    lost.let_go()
    assert new.renew()
    assert Chore.objects.get().done_at is None


def test_chores_do_not_know_each_other() -> None:
    assert chores.take("sweep") is not None
    assert chores.take("dust") is not None
