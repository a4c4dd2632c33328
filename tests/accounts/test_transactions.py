"""Tests of `accounts.transactions`."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction

from accounts import transactions
from accounts.models import Organisation, Team
from accounts.transactions import deletion, held, held_whole, is_conflict, is_overtaken, keep, retried

on_postgresql = pytest.mark.skipif(
    settings.IS_SQLITE, reason="SQLite locks no rows: one transaction writes at a time"
)


def test_which_errors_are_conflicts() -> None:
    assert is_conflict(OperationalError("database is locked"))
    assert not is_conflict(OperationalError("server closed the connection"))
    assert not is_conflict(ValueError("locked"))


def test_a_name_that_was_taken_was_overtaken(organisation: Organisation) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Organisation.objects.create(name=organisation.name)
    assert is_overtaken(caught.value)


def test_a_row_without_what_it_needs_is_a_mistake(organisation: Organisation) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Organisation.objects.filter(pk=organisation.pk).update(created_at=None)
    assert not is_overtaken(caught.value)


def test_what_is_gone_is_neither_held_nor_kept(team: Team) -> None:
    Team.objects.all().delete()
    for hold in (held, held_whole, keep):
        with pytest.raises(Team.DoesNotExist), transaction.atomic():
            hold(team)
    keep(None, team.organisation)


def test_what_is_held_is_read_anew(team: Team) -> None:
    Team.objects.update(name="Renamed")
    assert held(team).name == held_whole(team).name == "Renamed"


class Busy:
    """Fails so often as if another writer were in the way."""

    def __init__(self, times: int) -> None:
        self.left, self.calls = times, 0

    def __call__(self) -> str:
        self.calls += 1
        Organisation.objects.create(name=f"call {self.calls}")
        if self.left:
            self.left -= 1
            raise OperationalError("database is locked")
        return "done"


def test_a_service_is_made_again_from_its_beginning(transactional_db: None) -> None:
    busy = Busy(3)
    assert retried(busy)() == "done"
    assert [each.name for each in Organisation.objects.all()] == ["call 4"]


def test_it_is_not_made_again_for_ever(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MOST_SECONDS", 0.3)
    busy = Busy(1_000)
    with pytest.raises(OperationalError):
        deletion(busy)()
    assert 1 < busy.calls < 50
    assert not Organisation.objects.exists()


def test_a_part_of_a_transaction_is_not_made_again_alone(transactional_db: None) -> None:
    busy = Busy(1)
    with pytest.raises(OperationalError), transaction.atomic():
        retried(busy)()
    assert busy.calls == 1


def test_other_errors_are_told_at_once(transactional_db: None) -> None:
    calls: list[int] = []

    @retried
    def fail() -> None:
        calls.append(1)
        raise OperationalError("server closed the connection")

    with pytest.raises(OperationalError):
        fail()
    assert len(calls) == 1


@pytest.fixture
def somebody_holds(transactional_db: None, team: Team) -> Iterator[threading.Event]:
    """Another connection that holds the team until the event is set."""
    go, holds = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                held(team)
                holds.set()
                go.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert holds.wait(30)
    yield go
    go.set()
    thread.join(30)


@on_postgresql
def test_a_deletion_lets_go_and_comes_back(
    somebody_holds: threading.Event, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "GIVE_WAY_MS", 50)
    tries: list[int] = []

    def delete() -> None:
        tries.append(1)
        if len(tries) == 3:
            somebody_holds.set()
        held_whole(team).delete()

    deletion(delete)()
    assert len(tries) >= 3
    assert not Team.objects.exists()
    with connection.cursor() as cursor:  # nothing else waits as little
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


@on_postgresql
def test_what_is_held_can_be_referred_to(somebody_holds: threading.Event, team: Team) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL lock_timeout = '5s'"
        )  # the other holds the team for longer: a wait is an error
        keep(team, team.organisation)
