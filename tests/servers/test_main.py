"""`python -m tests.servers` runs a command beside servers, and ends them with it."""

from __future__ import annotations

import signal
import subprocess
import sys

import psycopg
import pytest

from asynctester.embedded.commands import ROOT

ASK = """
import os, psycopg, redis, sys
with psycopg.connect(os.environ["DATABASE_URL"]) as database:
    database.execute("SELECT 1")
redis.Redis.from_url(os.environ["REDIS_URL"]).ping()
print(os.environ["DATABASE_URL"])
sys.exit(5)
"""


def test_a_command_finds_servers_that_end_with_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.servers", sys.executable, "-c", ASK],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 5, done.stderr
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(done.stdout.strip())


WAIT = """
import os, psycopg, signal, sys
def end(*_):
    psycopg.connect(os.environ["DATABASE_URL"]).close()
    sys.exit(6)
signal.signal(signal.SIGTERM, end)
print("waits", flush=True)
signal.pause()
"""


def test_sigterm_ends_the_command_before_its_servers() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.servers", sys.executable, "-c", WAIT], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"waits\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 6
