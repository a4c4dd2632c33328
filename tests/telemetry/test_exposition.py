"""Tests of `telemetry.exposition`: the library decides at its import how it counts, so other processes do it here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from asynctester.embedded.commands import ROOT
from telemetry import exposition

COUNT = (
    "from telemetry import metrics; metrics.process_runs('worker'); metrics.step_ended('http', 'SUCCESS', 40)"
)
SHOW = "import sys; from telemetry.exposition import render; sys.stdout.buffer.write(render('')[0])"


def python(program: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start a process that counts into the folder."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", program], env=environment, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
    )


def shown(folder: Path) -> dict[str, float]:
    """Return what another process shows of the folder."""
    output, errors = python(SHOW, folder).communicate(timeout=60)
    lines = output.decode().splitlines()
    assert lines, errors.decode()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


def test_processes_of_one_machine_are_added_up(tmp_path: Path) -> None:
    alive = python(f"{COUNT}; print('counted', flush=True); input()", tmp_path)
    assert alive.stdout is not None
    assert alive.stdout.readline() == b"counted\n"
    gone = python(f"{COUNT}; metrics.LIVE_CLIENTS.inc(); import os; os._exit(9)", tmp_path)
    gone.communicate(timeout=60)

    found = shown(tmp_path)
    assert found['asynctester_steps_ended_total{status="SUCCESS",step_type="http"}'] == 2, (
        "a counter never falls"
    )
    assert found['asynctester_processes{kind="worker"}'] == 1, "who was killed runs no more"
    assert list(tmp_path.glob(f"gauge*_{gone.pid}.db")) == []

    alive.communicate(b"\n", timeout=60)
    assert 'asynctester_processes{kind="worker"}' not in shown(tmp_path)


def test_a_process_of_its_own_shows_itself_and_what_it_is_given() -> None:
    class More(Collector):
        def collect(self) -> list[GaugeMetricFamily]:
            return [GaugeMetricFamily("asynctester_test", "A test.", value=7)]

    body, content_type = exposition.render("", [More()])
    assert b"\nasynctester_test 7.0\n" in body
    assert b"\nprocess_cpu_seconds_total " in body
    assert content_type.startswith("text/plain")
    body, content_type = exposition.render("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    assert content_type.startswith("application/openmetrics-text")


def test_a_foreign_process_counts_as_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    file = tmp_path / "gauge_livesum_1.db"
    file.touch()
    monkeypatch.setattr(os, "kill", refuse)
    exposition.forget_dead(tmp_path)
    assert file.exists()
