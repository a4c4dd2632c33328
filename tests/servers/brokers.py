"""The broker that the tests run on (`--broker`), and what a process must be told to use it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.servers.rabbitmq import start_rabbitmq
from tests.servers.sentinel import MASTER, start_sentinel

#: Redis on the fast path; Redis, Redis with Sentinel and RabbitMQ in Celery's own way.
REDIS, REDIS_PLAIN, SENTINEL, RABBITMQ = BROKERS = ("redis", "redis-plain", "sentinel", "rabbitmq")
_KIND_VARIABLE, _URL_VARIABLE = "ASYNCTESTER_TEST_BROKER", "ASYNCTESTER_TEST_BROKER_URL"
#: As the databases of Valkey: those of the workers on the test databases, those of the live stacks.
_NUMBERS = (*range(9), *range(32, 41))


def start_broker(kind: str, folder: Path) -> list[subprocess.Popen[bytes]]:
    """Start the broker, unless it is the tests' Valkey; return its processes. Raises Unavailable."""
    os.environ[_KIND_VARIABLE] = kind
    folder.mkdir(mode=0o755)
    if kind == SENTINEL:
        watched = start_sentinel(folder)
        os.environ[_URL_VARIABLE] = watched.url
        return [watched.sentinel, *watched.servers.values()]
    if kind == RABBITMQ:
        processes, os.environ[_URL_VARIABLE] = start_rabbitmq(folder, [str(number) for number in _NUMBERS])
        return processes
    return []


def broker_environment(number: int) -> dict[str, str]:
    """Return the settings of a process that uses this database (Redis) or virtual host (RabbitMQ) of the broker."""
    kind = os.environ[_KIND_VARIABLE]
    if kind == REDIS:
        return {"CELERY_BROKER_URL": "", "BROKER_FAST_PATH": ""}
    if kind == REDIS_PLAIN:
        return {"CELERY_BROKER_URL": "", "BROKER_FAST_PATH": "false"}
    url = {"CELERY_BROKER_URL": f"{os.environ[_URL_VARIABLE]}/{number}", "BROKER_FAST_PATH": ""}
    return {**url, "BROKER_MASTER_NAME": MASTER} if kind == SENTINEL else url
