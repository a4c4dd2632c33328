"""Tests of `accounts.models.base`."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from accounts.models import Organisation, ServiceModel, Team, User

OUR_APPS = ("accounts", "resources", "flows", "executions")


def test_every_model_of_the_service_is_one() -> None:
    models = [model for app in OUR_APPS for model in apps.get_app_config(app).get_models()]
    assert len(models) > 15
    assert [model for model in models if not issubclass(model, ServiceModel)] == []


@pytest.mark.parametrize("fields", [None, ["name"]])
def test_a_change_of_what_was_deleted_makes_nothing(team: Team, fields: list[str] | None) -> None:
    Team.objects.all().delete()
    team.name = "Back again"
    with pytest.raises(Team.DoesNotExist), transaction.atomic():
        team.save(update_fields=fields)
    assert not Team.objects.exists()


def test_a_user_does_not_come_back_either(alice: User) -> None:
    User.objects.all().delete()
    with pytest.raises(User.DoesNotExist), transaction.atomic():
        alice.save()
    alice.set_password("another horse, battery and staple")
    with pytest.raises(User.DoesNotExist), transaction.atomic():
        alice.save()
    assert not User.objects.exists()


def test_what_is_new_is_added_and_then_changed(db: None) -> None:
    made = Organisation(name="New")
    made.save()
    made.name = "Renamed"
    made.save()
    made.save(update_fields=[])
    assert list(Organisation.objects.values_list("name", flat=True)) == ["Renamed"]


def test_a_copy_is_added_where_that_is_asked_for(organisation: Organisation) -> None:
    copy = Organisation.objects.get()
    copy.pk, copy.name = Organisation().pk, "Copy"
    copy.save(force_insert=True)
    assert Organisation.objects.count() == 2


def test_an_error_of_the_database_stays_what_it_is(organisation: Organisation) -> None:

    other = Organisation.objects.create(name="Other")
    other.name = organisation.name
    with pytest.raises(IntegrityError), transaction.atomic():
        other.save()
