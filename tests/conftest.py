"""What every test can use: real servers and the named cast."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.servers.fixtures",
    "tests.servers.database_fixtures",
    "tests.servers.kafka_fixtures",
    "tests.servers.monitoring_fixtures",
    "tests.servers.valkey_fixtures",
    "tests.cast",
    "tests.resources.keys",
    "tests.traced",
]

# The two cores are shared: how long an example takes says nothing about the code.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The test database; the sessions that the engine's threads still hold end before it is dropped."""
    yield
    if django_settings.IS_SQLITE:
        return
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [connection.settings_dict["NAME"]],
        )
