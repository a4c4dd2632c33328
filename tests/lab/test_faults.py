"""What an order may ask to go wrong."""

from __future__ import annotations

from typing import Any

import pytest

from lab.faults import LATE_MS, Faults, UnknownFault
from lab.orders import Order

ORDER = Order("o-1", "cup", 2, "FULFILLED", 1, 2)


@pytest.mark.parametrize("wanted", [None, "", [], [""]])
def test_nothing_goes_wrong_by_itself(wanted: Any) -> None:
    faults = Faults.read(wanted)
    assert faults.as_told_to("kafka", ORDER) is ORDER
    assert faults.delay_ms("kafka") == 0


def test_each_system_has_its_own_fault() -> None:
    faults = Faults.read(["kafka-missing", "postgresql-value", "redis-late"])
    assert faults.as_told_to("kafka", ORDER) is None
    wrong = faults.as_told_to("postgresql", ORDER)
    assert wrong is not None
    assert (wrong.id, wrong.status, wrong.quantity) == ("o-1", "LOST", 3)
    assert faults.as_told_to("redis", ORDER) == ORDER
    assert [faults.delay_ms(system) for system in ("kafka", "redis")] == [0, LATE_MS]
    assert Faults.read("redis-late", 7).delay_ms("redis") == 7


@pytest.mark.parametrize(
    "wanted",
    ["kafka", "kafka-", "-late", "oracle-late", "kafka-broken", 7, {"kafka": "late"}, [None], ["x" * 999]],
)
def test_an_unknown_fault_is_refused_and_the_known_ones_are_named(wanted: Any) -> None:
    with pytest.raises(UnknownFault) as refusal:
        Faults.read(wanted)
    assert "kafka" in str(refusal.value)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("late", [-1, 60_001, "5", 1.5, True])
def test_a_lateness_that_is_none_is_refused(late: Any) -> None:
    with pytest.raises(UnknownFault, match="lateMs"):
        Faults.read("kafka-late", late)
