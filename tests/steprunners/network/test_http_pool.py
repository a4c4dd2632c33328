"""The pools of a thread and their connections: kept for a server and its rules, watched, ended."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable

import pytest

from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import ConnectionFailed, DeadlineExceeded, StepError
from steprunners.network import Call, NetworkPolicy, TlsOptions, sockets
from steprunners.network.http_pool import close_connections, kept_connection
from tests.steprunners.conftest import LOOPBACK, MakeContext
from tests.steprunners.http_calls import run
from tests.steprunners.target import CloseConnection, Exchange, Target

RULES = NetworkPolicy()


def call(policy: NetworkPolicy = RULES) -> Call:
    return Call(policy, Deadline(5), Cancellation())


@pytest.mark.parametrize(
    "other",
    [
        (call(NetworkPolicy(allowed=("127.0.0.1",))), TlsOptions(), "http", "127.0.0.1"),
        (call(LOOPBACK), TlsOptions(verify=False), "http", "127.0.0.1"),
        (call(LOOPBACK), TlsOptions(), "https", "127.0.0.1"),
        (call(LOOPBACK), TlsOptions(), "http", "localhost"),
    ],
)
def test_a_connection_is_kept_for_its_server_and_rules(
    target: Target, make_context: MakeContext, other: tuple[Call, TlsOptions, str, str]
) -> None:
    run(make_context(), url=target.url)
    assert kept_connection(*other, target.port) is None
    kept = kept_connection(call(LOOPBACK), TlsOptions(), "http", "127.0.0.1", target.port)
    assert kept is not None
    kept.close()


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

    def test_only_safe_methods_use_a_kept_connection(self, target: Target, make_context: MakeContext) -> None:
        url = target.route("/", lambda exchange: exchange.reply(200, b"fine"))
        for method in ("GET", "POST", "PUT", "DELETE", "GET", "OPTIONS"):
            run(make_context(), url=url, method=method)
        assert [exchange.number for exchange in target.received] == [1, 2, 3, 4, 4, 4]

    def test_a_post_is_never_sent_twice(self, target: Target, make_context: MakeContext) -> None:
        def close(exchange: Exchange) -> None:
            raise CloseConnection

        with pytest.raises(ConnectionFailed, match="closed the connection without an answer"):
            run(make_context(), url=target.route("/", close), method="POST")
        assert len(target.received) == 1

    @pytest.mark.parametrize("ending", ["closed", "reset"])
    @pytest.mark.parametrize("milliseconds", [0, 1, 5, 20])
    @pytest.mark.parametrize("tls", [False, True])
    def test_posts_to_a_server_that_closes_after_each_answer_without_saying_so(
        self,
        target: Target,
        tls_target: Callable[..., Target],
        make_context: MakeContext,
        tls: bool,
        milliseconds: int,
        ending: str,
    ) -> None:
        def once(exchange: Exchange) -> None:
            # Otherwise the answer may wait for the client to acknowledge TLS's tickets, and a reset drops it.
            exchange.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            exchange.reply(200, b"fine")
            time.sleep(milliseconds / 1000)
            if ending == "reset":
                exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise CloseConnection

        server = tls_target() if tls else target
        url = server.route("/", once)
        for _ in range(10):
            assert run(make_context(), url=url, method="POST", verifyTls=False)["body"] == "fine"
        assert len(server.received) == 10

    def test_a_new_connection_goes_to_the_address_of_the_one_that_it_replaces(
        self, target: Target, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = target.route("/", lambda exchange: exchange.reply(200, b"fine"))
        url = url.replace("127.0.0.1", "localhost")
        run(make_context(), url=url, method="POST")
        monkeypatch.setattr(sockets, "resolve", lambda *_: pytest.fail("the name was looked up"))
        run(make_context(), url=url, method="POST")
        assert target.connections == 2

    def test_its_name_is_looked_up_again_where_that_address_does_not_answer(
        self, target: Target, make_context: MakeContext
    ) -> None:
        url = target.route("/", lambda exchange: exchange.reply(200, b"fine"))
        url = url.replace("127.0.0.1", "localhost")
        run(make_context(), url=url, method="POST")
        kept = kept_connection(call(LOOPBACK), TlsOptions(), "http", "localhost", target.port)
        assert kept is not None
        kept.address = "127.0.0.99"
        kept.release()
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
        [
            b"nonsense\r\n\r\n",
            b"HTTP/1.1 abc\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 10_000 + b"\r\n",
        ],
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
