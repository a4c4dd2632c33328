"""Seeded scenarios (`make soak`); the short form is test_short.py."""

from __future__ import annotations

import pytest

from tests.faults.installation import Installation
from tests.faults.plan import plan
from tests.faults.scenario import Scenario, told

#: A worker that died is found out within this time, in seconds (docs/engine.md).
DETECTED_WITHIN = 12.0


@pytest.mark.soak
@pytest.mark.parametrize("here", [3], indirect=True)
@pytest.mark.parametrize("seed", range(101, 106))
def test_ten_kills_and_two_wipes(here: Installation, seed: int) -> None:
    drawn = plan(seed, runs=200, seconds=50, kill=10, wipe=2, freeze=1, restart_broker=1, cut_broker=3)
    scenario = Scenario(here, drawn)
    found = scenario.run()
    print(told(f"seed {seed}", scenario, found))  # noqa: T201  # the soak's figures
    assert found.broken == []
    assert scenario.load.refused == []
    assert found.slowest_detection <= DETECTED_WITHIN


@pytest.mark.soak
@pytest.mark.parametrize("here", [3], indirect=True)
def test_connections_to_the_database_are_cut(here: Installation) -> None:
    scenario = Scenario(here, plan(7, runs=100, seconds=30, cut_database=6, lose_answer=8, lose_question=8))
    found = scenario.run()
    print(told("cut connections", scenario, found, lost_in_the_middle=here.database_proxy.cuts))  # noqa: T201  # as above
    assert found.broken == []
    assert here.database_proxy.cuts == 16
