"""What the database and the model keep of an execution's idempotency key."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from accounts.models import Team, User
from executions.models import Execution
from tests.executions.rows import START, make_execution

pytestmark = pytest.mark.django_db

CONSTRAINT = "idempotency_key_once_without_user"


def keys() -> list[str | None]:
    return list(Execution.objects.order_by("created_at", "pk").values_list("idempotency_key", flat=True))


@pytest.mark.parametrize("with_user", [True, False], ids=["user", "no user"])
def test_a_key_counts_once_for_a_user_and_without(team: Team, alice: User, *, with_user: bool) -> None:
    user = alice if with_user else None
    make_execution(team, user=user, idempotency_key="k")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_execution(team, user=user, idempotency_key="k")
    assert keys() == ["k"]


def test_a_key_counts_for_its_user_and_team_alone(
    team: Team, other_team: Team, alice: User, bob: User
) -> None:
    for each in (team, other_team):
        for user in (None, alice, bob):
            make_execution(each, user=user, idempotency_key="k")
    assert keys() == ["k"] * 6


def test_runs_without_a_key_are_not_limited(team: Team, alice: User) -> None:
    for user in (None, None, alice, alice):
        make_execution(team, user=user)
    assert keys() == [None] * 4


def test_a_deleted_user_s_runs_stay_without_their_keys(team: Team, alice: User, bob: User) -> None:
    """Else the keys of two deleted users could meet, or one meet that of a run without a user."""
    for user in (None, alice, bob):
        make_execution(team, user=user, idempotency_key="k")
    alice.delete()
    User.objects.filter(pk=bob.pk).delete()
    assert not Execution.objects.exclude(user=None).exists()
    assert sorted(keys(), key=str) == [None, None, "k"]


def test_the_migration_leaves_a_repeated_key_to_the_oldest(team: Team, other_team: Team, alice: User) -> None:
    constraint = next(each for each in Execution._meta.constraints if each.name == CONSTRAINT)
    editor = connection.SchemaEditorClass(connection)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {CONSTRAINT}")
    newest, oldest, middle = (
        make_execution(team, idempotency_key="k", created_at=START.replace(hour=hour)) for hour in (9, 7, 8)
    )
    kept = [
        make_execution(team, user=alice, idempotency_key="k"),
        make_execution(other_team, idempotency_key="k"),
        make_execution(team, idempotency_key="other"),
    ]
    migration = import_module("executions.migrations.0010_idempotency_key_without_user")
    migration.forget_repeated_keys(apps, SimpleNamespace(connection=connection))
    connection.check_constraints()  # PostgreSQL makes no index while rows of this transaction are to be checked
    with connection.cursor() as cursor:
        cursor.execute(str(constraint.create_sql(Execution, editor)))
    with_key = Execution.objects.exclude(idempotency_key=None).values_list("pk", flat=True)
    assert set(with_key) == {oldest.pk, *(each.pk for each in kept)}
    assert Execution.objects.filter(pk__in=[newest.pk, middle.pk], idempotency_key=None).count() == 2
