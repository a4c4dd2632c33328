"""The pools of a thread and their connections: kept for a server and its rules, watched, ended."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import ConnectionFailed, DeadlineExceeded, StepError
from steprunners.network import Call, NetworkPolicy, TlsOptions
from steprunners.network.http_pool import MAX_POOLS_PER_THREAD, close_connections, pool_for
from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import run
from tests.steprunners.target import CloseConnection, Exchange, Target

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
    for number in range(2, MAX_POOLS_PER_THREAD):
        pool_for(call(), TlsOptions(), "http", f"host-{number}", 80)
    assert pool_for(call(), TlsOptions(), "http", "host-0", 80) is oldest
    pool_for(call(), TlsOptions(), "http", "one-more", 80)
    assert (oldest.pool is None, second.pool is None) == (False, True)
    close_connections()
    assert oldest.pool is None


class TestConnections:
    def test_they_are_kept(self, target: Target, make_context: MakeContext) -> None:
        for _ in range(3):
            run(make_context(), url=target.url)
        assert target.connections == 1

    def test_not_across_policies(self, target: Target, make_context: MakeContext) -> None:
        run(make_context(), url=target.url)
        with pytest.raises(StepError, match="loopback"):
            run(make_context(network=NetworkPolicy()), url=target.url)

    def close_on_second(self, exchange: Exchange) -> None:
        if exchange.number == 1 and len(exchange.target.received) > 1:
            raise CloseConnection
        exchange.reply(200, b"fine")

    def test_a_get_on_a_stale_connection_is_sent_again(
        self, target: Target, make_context: MakeContext
    ) -> None:
        url = target.route("/", self.close_on_second)
        run(make_context(), url=url)
        assert run(make_context(), url=url)["body"] == "fine"
        assert [exchange.number for exchange in target.received] == [1, 1, 2]

    def test_a_post_is_never_sent_twice(self, target: Target, make_context: MakeContext) -> None:
        url = target.route("/", self.close_on_second)
        run(make_context(), url=url, method="POST")
        with pytest.raises(ConnectionFailed, match="closed the connection without an answer"):
            run(make_context(), url=url, method="POST")
        assert len(target.received) == 2

    def test_a_post_takes_no_connection_that_was_idle(
        self, target: Target, make_context: MakeContext
    ) -> None:
        url = target.route("/", self.close_on_second)
        run(make_context(), url=url, method="POST")
        time.sleep(1.1)
        assert run(make_context(), url=url, method="POST")["body"] == "fine"

    def test_a_connection_closed_while_idle_is_replaced(
        self, target: Target, make_context: MakeContext
    ) -> None:
        def once(exchange: Exchange) -> None:
            exchange.reply(200, b"fine")
            raise CloseConnection

        url = target.route("/", once)
        for _ in range(3):
            assert run(make_context(), url=url, method="POST")["body"] == "fine"
            time.sleep(0.05)

    def test_a_fresh_connection_that_closes_is_not_tried_again(
        self, target: Target, make_context: MakeContext
    ) -> None:
        def close(exchange: Exchange) -> None:
            raise CloseConnection

        with pytest.raises(ConnectionFailed, match="closed the connection"):
            run(make_context(), url=target.route("/", close))
        assert len(target.received) == 1

    def test_threads_get_their_own_answers_whatever_ends_early(
        self, target: Target, make_context: MakeContext
    ) -> None:
        def echo(exchange: Exchange) -> None:
            time.sleep(0.02 if "slow" in exchange.path else 0)
            exchange.reply(200, exchange.path.encode())

        target.route("/echo", echo)
        mixed_up: list[str] = []

        def work(number: int) -> None:
            for turn in range(20):
                path = f"/echo?{number}-{turn}{'-slow' if turn % 3 == 0 else ''}"
                with contextlib.suppress(DeadlineExceeded):
                    body = run(make_context(0.01 if turn % 6 == 0 else 10), url=target.url + path)["body"]
                    mixed_up.extend([path] if body != path else [])
            close_connections()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert mixed_up == []
        assert len(target.received) >= 8 * 16

    def test_reset_in_the_middle_of_the_body(self, target: Target, make_context: MakeContext) -> None:
        def half(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            raise CloseConnection

        with pytest.raises(ConnectionFailed, match="middle of the body"):
            run(make_context(), url=target.route("/", half))

    @pytest.mark.parametrize(
        "raw",
        [b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300 + b"\r\n"],
    )
    def test_what_is_not_http(self, target: Target, make_context: MakeContext, raw: bytes) -> None:
        def speak(exchange: Exchange) -> None:
            exchange.send(raw)
            raise CloseConnection

        with pytest.raises(StepError) as caught:
            run(make_context(), url=target.route("/", speak))
        assert caught.value.code in ("bad_response", "connection_failed")

    def test_refused(self, make_context: MakeContext) -> None:
        with Target() as closed:
            pass
        with pytest.raises(ConnectionFailed, match="connection refused"):
            run(make_context(), url=closed.url)

    def test_unknown_host(self, make_context: MakeContext) -> None:
        with pytest.raises(ConnectionFailed, match=r"the name no-such-host\.invalid cannot be resolved"):
            run(make_context(), url="http://no-such-host.invalid/")
