"""The world of the matrix, and what keeps it quiet: no limits of requests, mails are sent at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery import current_app
from pytest_django import Settings

from resources.limits import effective as limits
from tests.matrix.actors import World, make_world


@pytest.fixture
def world(db: None, quick_passwords: None, settings: Settings) -> Iterator[World]:
    """Two tenants, and everybody who asks."""
    settings.AUTH_RATES = {}
    settings.AXES_ENABLED = False
    current_app.conf.update(task_always_eager=True, task_eager_propagates=True)
    yield make_world()
    current_app.conf.update(task_always_eager=False, task_eager_propagates=False)
    limits.forget()
