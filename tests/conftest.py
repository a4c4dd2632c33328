"""What every test can use: real servers and the named cast."""

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.servers.fixtures",
    "tests.servers.database_fixtures",
    "tests.servers.kafka_fixtures",
    "tests.servers.monitoring_fixtures",
    "tests.servers.valkey_fixtures",
    "tests.cast",
]

# The two cores are shared: how long an example takes says nothing about the code.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")
