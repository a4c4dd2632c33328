"""The image is built from the Dockerfile, and the service runs from it (tools/image_check.sh)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from asynctester.embedded.commands import ROOT
from tests.servers.__main__ import CANNOT
from tests.servers.fixtures import missing
from tests.servers.server import Unavailable


def check_image(environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the script; return what it said."""
    return subprocess.run(
        ["/bin/sh", "tools/image_check.sh"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1_800, check=False,
    )  # fmt: skip


@pytest.mark.soak
@pytest.mark.processes
def test_the_image_builds_and_runs_a_flow(pytestconfig: pytest.Config) -> None:
    done = check_image()
    if done.returncode == CANNOT:
        missing(pytestconfig, Unavailable(done.stderr.strip()))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    print(done.stdout)  # noqa: T201 - sizes and times, shown with `pytest -rP`


def test_a_machine_without_buildah_is_told_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("#!/bin/sh\necho 0\n")
    (tmp_path / "id").chmod(0o755)
    (tmp_path / "dirname").symlink_to(shutil.which("dirname") or "")
    done = check_image({"PATH": str(tmp_path)})
    assert done.returncode == CANNOT
    assert "no buildah on this machine (Debian: apt-get install buildah debootstrap)" in done.stderr
