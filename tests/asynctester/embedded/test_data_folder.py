"""One installation a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from asynctester.embedded import data_folder
from asynctester.embedded.options import Refused


def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a b" / "data"
    data_folder.make(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    data_folder.make(folder)
    assert (folder / "logs").is_dir()


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be used"):
        data_folder.make(tmp_path / "file")


def test_a_second_process_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from asynctester.embedded import data_folder, options\n"
        f"try:\n  with data_folder.locked(Path({str(tmp_path)!r})): pass\n"
        "except options.Refused as refusal: print(refusal); sys.exit(7)"
    )

    def second() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    with data_folder.locked(tmp_path):
        refused = second()
    assert refused.returncode == 7
    assert str(os.getpid()) in refused.stdout
    assert second().returncode == 0


def test_what_an_earlier_run_counted_is_forgotten(tmp_path: Path) -> None:
    data_folder.forget_metrics(tmp_path)
    (tmp_path / data_folder.METRICS).mkdir()
    (tmp_path / data_folder.METRICS / "counter_1.db").touch()
    data_folder.forget_metrics(tmp_path)
    assert list(tmp_path.iterdir()) == []
