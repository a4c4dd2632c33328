"""Every pair of writes on related things, at the same moment: 2xx, 404 or 409, and the rules hold afterwards."""

from __future__ import annotations

import pytest

from tests.races import (  # noqa: F401 - they fill the table
    account_pairs,
    door_pairs,
    flow_pairs,
    membership_pairs,
    organisation_pairs,
    resource_pairs,
    run_pairs,
)
from tests.races.racing import Threads
from tests.races.rounds import PAIRS, allowed
from tests.races.stage import Stage

#: Of each pair in the normal suite, and of those that an attack broke (in every second or third round).
ROUNDS = 3
ROUNDS_OF_BROKEN = 8
SOAK_ROUNDS = 50
BROKEN = frozenset({
    "environment DELETE, environment PATCH",
    "environment DELETE, flow run with it",
    "execution DELETE, re-run",
    "flow DELETE, flow PUT",
    "organisation DELETE, team POST",
    "resource DELETE, flow POST that uses it",
    "resource DELETE, flow PUT that uses it by name",
    "resource DELETE, resource PATCH",
    "team DELETE, flow run",
})  # fmt: skip


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_a_pair(name: str, stage: Stage, racers: Threads) -> None:
    meet(name, stage, racers, ROUNDS_OF_BROKEN if name in BROKEN else ROUNDS)


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(PAIRS))
def test_a_pair_for_long(name: str, stage: Stage, racers: Threads) -> None:
    meet(name, stage, racers, SOAK_ROUNDS)


def meet(name: str, stage: Stage, racers: Threads, rounds: int) -> None:
    """Race the pair so often, each time from either side."""
    for number in range(rounds):
        made = PAIRS[name](stage)
        asks = [made.first, made.second]
        if number % 2:
            second, first = racers.race(asks[::-1])
        else:
            first, second = racers.race(asks)
        assert all(map(allowed, (first, second))), (number, first, second)
        made.check(first, second)
