"""What the settings refuse to start with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["EXECUTIONS_RETENTION_DAYS", "HOUSEKEEPING_SECONDS"])
def test_a_number_that_would_remove_everything_is_refused(tmp_path: Path, name: str) -> None:
    """In a process of its own, since settings are read once."""
    done = subprocess.run(
        [sys.executable, "-c", "import asynctester.settings"],
        env={**os.environ, "DATA_DIR": str(tmp_path), name: "-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"{name} is a number from 0 to" in done.stderr
