"""A container becomes the process that it is told to be. That these run: tests/servers/stack.py starts the same."""

from __future__ import annotations

import subprocess
import sys

import pytest

from asynctester import process
from asynctester.embedded import commands
from asynctester.embedded.options import Refused


def test_each_process_is_the_one_that_make_run_starts() -> None:
    assert process.command(["web"], {"HOST": "0.0.0.0", "PORT": "9000"}) == commands.web("0.0.0.0", 9000)
    assert process.command(["web"], {}) == commands.web("127.0.0.1", 8000)
    assert process.command(["worker"], {}) == commands.worker()


@pytest.mark.parametrize("arguments", [[], ["beat"], ["web", "worker"]])
def test_another_is_refused(arguments: list[str]) -> None:
    with pytest.raises(Refused, match=r"web\|worker"):
        process.command(arguments, {})


def test_a_refusal_is_one_line_and_an_exit_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "asynctester.process", "beat"],
        cwd=commands.ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.decode().startswith("usage:")
