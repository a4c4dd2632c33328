"""Who gets a second chance, and what stands in the report of a failed test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from asynctester.embedded.commands import ROOT
from tests.servers.second_chance import told_by
from tests.servers.stack import LiveStack, Worker

#: Each test fails when it is run for the first time.
TESTS = """
import pytest

runs = []

@pytest.fixture
def worker(): ...

def fails_first(name):
    runs.append(name)
    assert runs.count(name) == 2, f"{name} failed"

def test_plain(): fails_first("plain")

def test_of_a_worker(worker): fails_first("of a worker")

@pytest.mark.processes
def test_marked(): fails_first("marked")
"""


def run_tests(folder: Path, *options: str) -> str:
    """Run TESTS by themselves; return what pytest says."""
    (folder / "test_them.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = processes\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.servers.second_chance",
        "-p",
        "pytest_rerunfailures",
        *options,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the others take seconds to start
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stdout


def test_whole_processes_have_one_in_ci_and_plain_tests_none(tmp_path: Path) -> None:
    told = run_tests(tmp_path, "--second-chance", "--rerun-show-tracebacks")
    assert "1 failed, 2 passed, 2 rerun" in told
    assert "RERUN test_them.py::test_of_a_worker" in told
    assert "AssertionError: of a worker failed" in told
    assert "FAILED test_them.py::test_plain" in told


def test_without_the_option_nobody_has_one(tmp_path: Path) -> None:
    assert "3 failed in" in run_tests(tmp_path)


def test_logs_stand_in_the_report(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("what the web server said")
    (tmp_path / "worker.log").write_text("what the worker said")
    stack = LiveStack(tmp_path, {})
    assert "what the web server said" in told_by(stack)
    assert told_by(stack.worker) == "what the worker said"
    assert told_by(Worker({}, tmp_path / "never-started.log")) == ""
    assert told_by(pytest) == ""
