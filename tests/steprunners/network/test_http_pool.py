"""The pools of a thread: one for each server and set of rules, and no more than so many."""

from __future__ import annotations

from steprunners.base import Cancellation, Deadline
from steprunners.network import Call, NetworkPolicy, TlsOptions
from steprunners.network.http_pool import _POOLS_PER_THREAD, close_connections, pool_for

RULES = NetworkPolicy()


def call(policy: NetworkPolicy = RULES) -> Call:
    return Call(policy, Deadline(5), Cancellation())


def test_a_pool_for_each_server_and_its_rules() -> None:
    close_connections()
    first = pool_for(call(), TlsOptions(), "http", "shop", 80)
    assert pool_for(call(NetworkPolicy()), TlsOptions(), "http", "shop", 80) is first
    others = [
        pool_for(call(NetworkPolicy(allowed=("10.0.0.0/8",))), TlsOptions(), "http", "shop", 80),
        pool_for(call(), TlsOptions(verify=False), "http", "shop", 80),
        pool_for(call(), TlsOptions(), "https", "shop", 80),
        pool_for(call(), TlsOptions(), "http", "shop", 81),
        pool_for(call(), TlsOptions(), "http", "shop2", 80),
    ]
    assert len({id(each) for each in (first, *others)}) == 6
    close_connections()


def test_the_pool_used_longest_ago_is_closed() -> None:
    close_connections()
    oldest, second = (pool_for(call(), TlsOptions(), "http", f"host-{number}", 80) for number in (0, 1))
    for number in range(2, _POOLS_PER_THREAD):
        pool_for(call(), TlsOptions(), "http", f"host-{number}", 80)
    assert pool_for(call(), TlsOptions(), "http", "host-0", 80) is oldest
    pool_for(call(), TlsOptions(), "http", "one-more", 80)
    assert (oldest.pool is None, second.pool is None) == (False, True)
    close_connections()
    assert oldest.pool is None
