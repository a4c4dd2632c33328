"""A worker's threads among organisations: the greedy one leaves some, the one with the fewest is next."""

from __future__ import annotations

import threading
import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.broker.thread_shares import MOST_IN_LINE, SHARE, Turns, Work

A, B, C = 1, 2, 3


def work(position: int = 0) -> Work:
    return Work(uuid.uuid4(), position)


@pytest.mark.parametrize(("threads", "most"), [(1, 1), (2, 1), (3, 2), (4, 3), (8, 7), (16, 14), (40, 35)])
def test_one_organisation_leaves_some_threads(threads: int, most: int) -> None:
    turns = Turns(threads)
    assert [turns.enter(A, work()) for _ in range(threads + 5)].count(True) == most


def test_another_has_a_thread_at_once() -> None:
    turns = Turns(8)
    for _ in range(50):
        turns.enter(A, work())
    assert turns.enter(B, work())


def test_those_in_line_come_in_order() -> None:
    turns = Turns(2)
    assert turns.enter(A, work())
    line = [work(), work(), work()]
    assert not any(turns.enter(A, each) for each in line)
    assert [turns.leave(A) for _ in range(3)] == [(A, each) for each in line]
    assert turns.leave(A) is None


def test_a_repeated_message_is_in_line_once() -> None:
    turns = Turns(2)
    turns.enter(A, work())
    again = work()
    assert not turns.enter(A, again)
    assert not turns.enter(A, again)
    assert turns.leave(A) == (A, again)
    assert turns.leave(A) is None


def test_who_has_the_fewest_threads_is_next() -> None:
    turns = Turns(8)
    for _ in range(10):
        turns.enter(A, work())
    assert turns.enter(B, work())  # the last thread
    mine = work()
    assert not turns.enter(B, mine)
    assert turns.leave(A) is None  # one thread stays free for a third organisation
    assert turns.enter(C, work())
    assert turns.leave(A) is None
    assert turns.leave(A) == (B, mine)


def test_a_lane_with_a_long_line_is_full() -> None:
    turns = Turns(2)
    for _ in range(MOST_IN_LINE):
        turns.enter(A, work())
    assert turns.full() == set()
    turns.enter(A, work())
    assert turns.full() == {A}


def test_closed_it_hands_out_nothing_and_can_be_emptied() -> None:
    turns = Turns(2)
    turns.enter(A, work())
    kept = work()
    turns.enter(A, kept)
    turns.close()
    assert turns.leave(A) is None
    assert turns.drain() == [kept]
    assert turns.drain() == []


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=120))
def test_no_thread_too_many_nobody_lost(threads: int, events: list[tuple[int, bool]]) -> None:
    """However they come and go: threads are never overbooked, and everything in line runs in the end."""
    turns = Turns(threads)
    running: Counter[int] = Counter()
    put, run = 0, 0
    for lane, comes in events:
        if comes and running.total() < threads:
            put += 1
            if turns.enter(lane, work()):
                running[lane] += 1
                run += 1
        elif running[lane]:
            run += _leave(turns, running, lane)
        assert running.total() <= threads
        held = max(running.values(), default=0)
        assert held <= 1 or held <= SHARE * (threads - held)
    while running.total():
        run += _leave(turns, running, next(lane for lane in running if running[lane]))
    assert put == run


def _leave(turns: Turns, running: Counter[int], lane: int) -> int:
    running[lane] -= 1
    following = turns.leave(lane)
    if following is None:
        return 0
    running[following[0]] += 1
    return 1


def test_many_threads_at_once() -> None:
    turns, done = Turns(4), Counter[int]()
    lock = threading.Lock()

    def thread(number: int) -> None:
        for _ in range(300):
            lane = number % 2
            if not turns.enter(lane, work()):
                continue
            now: tuple[int, Work] | None = (lane, work())
            while now is not None:
                with lock:
                    done[now[0]] += 1
                now = turns.leave(now[0])

    threads = [threading.Thread(target=thread, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert done.total() == 1_200
