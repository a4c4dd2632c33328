"""Starts the servers that Django's settings name, before these are read.

Loaded with `-p` (pyproject.toml). The servers run in the controller; xdist's workers inherit their addresses
and each takes database numbers of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

import pytest

from asynctester.embedded.processes import end
from tests.servers.brokers import BROKERS, REDIS, broker_environment, start_broker
from tests.servers.postgresql import start_postgresql
from tests.servers.second_chance import drives_processes
from tests.servers.server import Unavailable
from tests.servers.valkey import start_valkey

FOLDER_VARIABLE = "ASYNCTESTER_TEST_FOLDER"
VALKEY_VARIABLE = "ASYNCTESTER_TEST_VALKEY"
_processes: list[subprocess.Popen[bytes]] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("servers")
    group.addoption("--database", choices=("postgresql", "sqlite"), default="postgresql", help="of Django")
    group.addoption("--broker", choices=BROKERS, default=REDIS, help="of Celery")
    group.addoption(
        "--require-all",
        action="store_true",
        help="a server that cannot be had is a failure, not a skipped test",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start the servers (controller) or find them (xdist worker); put their addresses into os.environ."""
    options = early_config.known_args_namespace
    if options.help or options.version:
        return
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        _start(options.database, options.broker)
    data_dir = Path(os.environ[FOLDER_VARIABLE]) / (worker or "main")
    data_dir.mkdir()
    number = 0 if worker is None else 1 + int(worker.removeprefix("gw"))
    os.environ["DATA_DIR"] = str(data_dir)
    os.environ["REDIS_URL"] = f"{os.environ[VALKEY_VARIABLE]}/{number}"
    os.environ.update(broker_environment(number))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the soak tests out, unless `-m` speaks of them; begin with what takes longest."""
    if "soak" not in (config.option.markexpr or ""):
        soaking = [item for item in items if item.get_closest_marker("soak")]
        if soaking:
            config.hook.pytest_deselected(items=soaking)
            items[:] = [item for item in items if item not in soaking]
    long = {item.path for item in items if _takes_long(item)}
    items.sort(
        key=lambda item: item.path not in long
    )  # at the end one would leave the other cores without work


#: Files of few tests that take long, beside those that drive whole processes.
_LONG = ("tests/matrix/", "tests/hostile/", "tests/systems/", "tests/asynctester/test_bad_input.py")


def _takes_long(item: pytest.Item) -> bool:
    return drives_processes(item) or item.nodeid.startswith(_LONG)


def _start(database: str, broker: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="asynctester-tests-"))
    folder.chmod(0o711)  # PostgreSQL's user has to pass through
    atexit.register(_stop, folder)
    signal.signal(signal.SIGTERM, _exit)
    os.environ[FOLDER_VARIABLE] = str(folder)
    for variable in (
        "SECRET_KEY",
        "SECRETS_KEYS",
        "PRODUCTION",
        "DATABASE_URL",
        "DEBUG",
        "WORKER_REMOTE_CONTROL",
        "WORKER_TASK_EVENTS",
    ):
        os.environ.pop(variable, None)  # the developer's own installation is not the tests' business
    # All tests come from one address: those of the throttles set rates themselves.
    os.environ.update(AUTH_RATE="", MAIL_RATE="", RECIPIENT_RATE="")
    try:
        if database == "postgresql":
            (folder / "postgresql").mkdir(mode=0o755)
            process, os.environ["DATABASE_URL"] = start_postgresql(folder / "postgresql")
            _processes.append(process)
        (folder / "valkey").mkdir()
        process, os.environ[VALKEY_VARIABLE] = start_valkey(folder / "valkey")
        _processes.append(process)
        _processes.extend(start_broker(broker, folder / "broker"))
    except Unavailable as problem:
        raise pytest.UsageError(f"{problem} (--database=sqlite needs no PostgreSQL)") from problem


def _stop(folder: Path) -> None:
    end(_processes, asking=signal.SIGINT)  # PostgreSQL would wait for its clients on SIGTERM
    shutil.rmtree(folder, ignore_errors=True)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)  # so that atexit runs
