"""What races need: real commits on PostgreSQL. SQLite has one writer at a time, so nothing meets there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from accounts.models import Organisation, Team, User
from tests.executions.engine.conftest import base_url, target  # noqa: F401 - the system that runs call
from tests.races.racing import Threads, threads
from tests.races.stage import Stage


@pytest.fixture(autouse=True)
def _on_postgresql() -> None:
    if django_settings.IS_SQLITE:
        pytest.skip("SQLite has one writer at a time: there are no races to be had")


@pytest.fixture
def stage(
    transactional_db: None, settings: Settings, organisation: Organisation, team: Team, alice: User, bob: User
) -> Stage:
    """Acme with its people, in which every round makes what it needs."""
    settings.MAX_RUNS_PER_MINUTE = 1_000_000
    return Stage(organisation, team, alice, bob)


@pytest.fixture
def racers(transactional_db: None) -> Iterator[Threads]:
    """Two threads."""
    with threads() as made:
        yield made
