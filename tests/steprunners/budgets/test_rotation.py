"""Turns at long work: one at a time, owner after owner, pauses while others are at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from steprunners.budgets import rotation as module
from steprunners.budgets.rotation import Busy, Rotation

LIMIT = 30.0  # seconds


def never() -> bool:
    return False


def burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def run(*targets: Callable[[], None]) -> None:
    threads = [threading.Thread(target=target, daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()


def test_one_works_at_a_time() -> None:
    rotation, at_once, most = Rotation(lambda: 3), 0, 0

    def work() -> None:
        nonlocal at_once, most
        seat = rotation.seat("a", never)
        for _ in range(10):
            assert seat.go_on()
            at_once += 1
            most = max(most, at_once)
            burn(module.TURN_SECONDS)
            at_once -= 1
        seat.leave()

    run(work, work, work)
    assert most == 1


def test_owners_take_turns_however_many_one_has() -> None:
    rotation, order = Rotation(lambda: 4), list[str]()
    go = threading.Event()

    def worker(owner: str) -> Callable[[], None]:
        def work() -> None:
            seat = rotation.seat(owner, never)
            go.wait(LIMIT)
            for _ in range(12):
                assert seat.go_on()
                order.append(owner)
                burn(module.TURN_SECONDS)
            seat.leave()

        return work

    threading.Timer(0.2, go.set).start()
    run(worker("many"), worker("many"), worker("many"), worker("one"))
    until_one_has_ended = order[: len(order) - order[::-1].index("one")]
    assert until_one_has_ended.count("many") <= 20  # in one line it would be 36


def test_a_turn_is_kept_until_it_is_over() -> None:
    rotation = Rotation(lambda: 1)
    seat = rotation.seat("a", never)
    assert seat.go_on()
    waiting = rotation.seat("b", lambda: True)
    assert seat.go_on()
    assert not waiting.go_on()  # nobody waits for it, and the turn is not over


def test_who_is_gone_leaves_the_line() -> None:
    rotation = Rotation(lambda: 2)
    first = rotation.seat("a", never)
    assert first.go_on()
    gone = rotation.seat("a", lambda: True)
    assert not gone.go_on()
    gone.leave()
    first.leave()
    again = rotation.seat("a", never)
    assert again.go_on()


@pytest.mark.parametrize(("others", "pauses"), [(5, True), (1, False)])
def test_pauses_are_for_others(others: int, pauses: bool) -> None:
    rotation = Rotation(lambda: others, pause=100.0)
    seat = rotation.seat("a", never)
    assert seat.go_on()
    burn(module.TURN_SECONDS)
    begin = time.monotonic()
    assert seat.go_on()
    assert (time.monotonic() - begin > 0.1) is pauses


def test_seats_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    rotation = Rotation(lambda: 0, most_seats=1, most_in_all=2)
    first = rotation.seat("a", never)
    with pytest.raises(Busy):
        rotation.seat("a", never)
    rotation.seat("b", never)
    with pytest.raises(Busy):
        rotation.seat("c", never)
    first.leave()
    first.leave()
    rotation.seat("c", never)
