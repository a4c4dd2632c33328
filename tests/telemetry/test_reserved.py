"""Tests of `telemetry.reserved`; on a disk that is full: tests/faults/test_full_data_folder.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import values

from telemetry import metrics, reserved


def holes(path: Path) -> int:
    """Return how many bytes of the file are not on the disk."""
    status = path.stat()
    return max(0, status.st_size - status.st_blocks * 512)


def test_there_are_no_holes_before_and_after_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "counter_1.db"
    kept = reserved.ReservedDict(str(path))
    assert holes(path) == 0
    names = [f"asynctester_{number}_" + "x" * 200 for number in range(2_000)]
    for number, name in enumerate(names):
        kept.write_value(name, float(number), 0.0)  # type: ignore[no-untyped-call]  # the library has no types there
    assert path.stat().st_size > 4 * reserved.FIRST_BYTES
    assert holes(path) == 0
    read = {name: value for name, value, _, _ in reserved.ReservedDict.read_all_values_from_file(str(path))}  # type: ignore[no-untyped-call]
    assert read == {name: float(number) for number, name in enumerate(names)}


def test_where_there_is_no_room_it_is_an_error_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = reserved.ReservedDict(str(tmp_path / "counter_1.db"))
    kept.write_value("first", 1.0, 0.0)  # type: ignore[no-untyped-call]

    def full(_file: int, _size: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(reserved, "reserve", full)
    with pytest.raises(OSError, match="no space"):
        kept.write_value("x" * 100_000, 1.0, 0.0)  # type: ignore[no-untyped-call]
    kept.write_value("first", 2.0, 0.0)  # type: ignore[no-untyped-call]
    assert kept.read_value("first")[0] == 2.0  # type: ignore[no-untyped-call]


def test_the_library_uses_it() -> None:
    assert metrics.HTTP_REQUESTS
    assert vars(values)["MmapedDict"] is reserved.ReservedDict
