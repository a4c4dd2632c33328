"""Tests of `telemetry.listener`."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from telemetry import listener


class Broken(Collector):
    """Cannot be read."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        raise RuntimeError("no")


@contextmanager
def serving(*, token: str = "", more: tuple[Collector, ...] = ()) -> Iterator[str]:
    server = listener.serve("127.0.0.1:0", token=token, more=more)
    assert server is not None
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_metrics_and_nothing_else() -> None:
    with serving() as url:
        answer = requests.get(f"{url}/metrics", timeout=30)
        assert answer.status_code == 200
        assert "python_info" in answer.text
        assert requests.get(f"{url}/", timeout=30).status_code == 404


def test_with_a_token_it_is_asked_for() -> None:
    with serving(token="secret") as url:
        refused = requests.get(f"{url}/metrics", timeout=30)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "python_info" not in refused.text
        headers = {"Authorization": "Bearer secret"}
        assert requests.get(f"{url}/metrics", headers=headers, timeout=30).status_code == 200


def test_what_cannot_be_read_is_no_stack_trace() -> None:
    with serving(more=(Broken(),)) as url:
        answer = requests.get(f"{url}/metrics", timeout=30)
    assert (answer.status_code, answer.text) == (503, "The metrics cannot be read.\n")


def test_who_says_nothing_holds_nobody_up() -> None:
    with serving() as url, socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))):
        assert requests.get(f"{url}/metrics", timeout=30).status_code == 200


def test_a_port_that_is_taken_is_told_and_no_reason_to_end(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert listener.serve(address, token="") is None
    assert f"no metrics at {address}" in caplog.text


def test_addresses() -> None:
    assert listener.parse("0.0.0.0:9464") == ("0.0.0.0", 9464)
    assert listener.parse("[::]:9464") == ("::", 9464)


@pytest.mark.parametrize("address", ["9464", ":9464", "host:", "host:port", "host:70000", "host:-1"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(listener.BadAddress, match="HOST:PORT"):
        listener.parse(address)
