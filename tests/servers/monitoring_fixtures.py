"""Prometheus with known samples and Loki, for every test that asks them; started when first asked for."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from asynctester.embedded.processes import end
from steprunners.kinds.loki import LokiConnection
from steprunners.kinds.prometheus import PrometheusConnection
from tests.servers.fixtures import missing
from tests.servers.loki import start_loki
from tests.servers.prometheus import sample_line, start_prometheus
from tests.servers.server import Unavailable

#: 2026-01-01T00:00:00Z; the samples with known times begin here, one every 30 s for 10 minutes, both ends included.
EPOCH = 1_767_225_600
STEPS = 21
#: Label values that a query must find as they are.
HOSTILE = ('quo"te', "back\\slash", "line\nbreak", "brace}", "a`tick", "{${x}}", "ünï😀", "*.+", '\\"', "'")


def _known() -> Iterator[str]:
    for index in range(STEPS):
        at = EPOCH + 30 * index
        # 0.1, 0.2 … 2.1: mean 1.1; the second series is constant, the third has gaps.
        yield sample_line("shop_ramp", {"path": "/a"}, f"{(index + 1) / 10}", at)
    for index in range(STEPS):
        yield sample_line("shop_flat", {"path": "/a"}, 5, EPOCH + 30 * index)
    for value, index in ((1, 0), ("NaN", 1), ("+Inf", 2), ("-Inf", 3), (3, 4)):
        yield sample_line("shop_gaps", {"path": "/a"}, value, EPOCH + 30 * index)
    for number, text in enumerate(HOSTILE):
        yield sample_line("shop_hostile", {"value": text}, number, EPOCH)


def _recent() -> Iterator[str]:
    # Every 30 s from 80 minutes ago until 20 minutes from now, so that relative windows are filled while tests run.
    now = int(time.time())
    for offset in range(-80 * 60, 20 * 60, 30):
        value = 0.2 + 0.01 * math.sin(offset)
        yield sample_line("shop_latency_seconds", {"path": "/orders"}, f"{value:.6f}", now + offset)


@pytest.fixture(scope="session")
def prometheus_url(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[str]:
    """A Prometheus with known samples."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    try:
        process, url = start_prometheus(folder, [*_known(), *_recent()])
    except Unavailable as problem:
        missing(pytestconfig, problem)
    yield url
    end([process])


@pytest.fixture(scope="session")
def prometheus_with_login(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[str]:
    """An empty Prometheus that asks for `tester`'s password."""
    try:
        process, url = start_prometheus(tmp_path_factory.mktemp("prometheus"), with_login=True)
    except Unavailable as problem:
        missing(pytestconfig, problem)
    yield url
    end([process])


@pytest.fixture
def prometheus_connection(prometheus_url: str) -> PrometheusConnection:
    """What the step type's example runs on."""
    return PrometheusConnection(url=prometheus_url)


# --- Loki -----------------------------------------------------------------------------------------


def push(url: str, lines: Iterable[tuple[int, dict[str, str], str]], tenant: str | None = None) -> None:
    """Give Loki lines of (nanoseconds, labels, text), as a log shipper does."""
    streams = [{"stream": labels, "values": [[str(at), text]]} for at, labels, text in lines]
    request = Request(  # noqa: S310 - the tests' own server
        f"{url}/loki/api/v1/push",
        data=json.dumps({"streams": streams}).encode(),
        headers={"Content-Type": "application/json", **({"X-Scope-OrgID": tenant} if tenant else {})},
    )
    with urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        assert answer.status < 300


@pytest.fixture(scope="session")
def loki_url() -> Iterator[str]:
    """The Loki that LOKI_URL names, or the stand-in."""
    if given := os.environ.get("LOKI_URL"):
        yield given.rstrip("/")
        return
    server, url, _ = start_loki()
    yield url
    server.shutdown()
    server.server_close()


@pytest.fixture
def tenants_loki() -> Iterator[str]:
    """A stand-in that asks for a tenant."""
    server, url, _ = start_loki(multi_tenant=True)
    yield url
    server.shutdown()
    server.server_close()


@pytest.fixture
def loki_connection(loki_url: str) -> LokiConnection:
    """What the step type's example runs on."""
    now = time.time_ns()
    push(
        loki_url,
        [
            (now - 2_000_000, {"app": "shop", "level": "info"}, "order 42 fulfilled"),
            (now - 1_000_000, {"app": "shop", "level": "info"}, "order 42 fulfilled after a retry"),
            (now, {"app": "bank", "level": "info"}, "order 42 fulfilled"),
        ],
    )
    return LokiConnection(url=loki_url)
