"""Key files: made once, replaced whole, read anew when they change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resources.secrets import key_files
from resources.secrets.encryption import new_key


def test_of_many_that_start_together_all_read_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.key"

    with ThreadPoolExecutor(8) as pool:
        keys = {each.result() for each in [pool.submit(key_files.read_or_create_key, path) for _ in range(8)]}

    assert len(keys) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_replaced_file_is_read_anew(tmp_path: Path) -> None:
    path, first, second = tmp_path / "a.key", new_key(), new_key()
    path.write_text(first)
    assert key_files.read_keys(path) == (first,)

    key_files.write_keys(path, [second, first])

    assert key_files.read_keys(path) == (second, first)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.key", tmp_path / "link.key"
    real.write_text("one\n")
    link.symlink_to(real)

    key_files.write_keys(link, ["two", "one"])

    assert link.is_symlink()
    assert real.read_text() == "two\none\n"


def test_a_file_that_goes_does_not_take_the_keys_from_a_process_that_runs(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    path.write_text("one\n")
    key_files.read_keys(path)
    path.unlink()

    assert key_files.read_keys(path) == ("one",)
    with pytest.raises(FileNotFoundError):
        key_files.read_keys(tmp_path / "never.key")


def test_one_at_a_time_changes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.key"

    with key_files.locked(path), pytest.raises(BlockingIOError), key_files.locked(path):
        pass
    with key_files.locked(path):
        pass
