"""The shop of the lab with every system behind it, and the resources that lead to them: right, down, wrong password."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from asynctester.embedded.commands import ROOT
from asynctester.embedded.processes import end, free_port, listens
from steprunners.clients.kafka.connection import KafkaConnection
from tests.servers import mariadb
from tests.servers.database_fixtures import Database
from tests.servers.fixtures import missing
from tests.servers.kafka import PASSWORD as KAFKA_PASSWORD
from tests.servers.kafka import USER as KAFKA_USER
from tests.servers.kafka import KafkaBroker
from tests.servers.loki import start_loki
from tests.servers.prometheus import PASSWORD as PROMETHEUS_PASSWORD
from tests.servers.prometheus import start_prometheus
from tests.servers.server import Unavailable, launch

USER, PASSWORD, WRONG = mariadb.LAB, f"{mariadb.LAB}-password", "not-the-password"
Config = dict[str, Any]


@dataclass(frozen=True)
class Systems:
    """Where everything is: `resources` are (type, config) by name, `addresses` the URLs that a run may be given."""

    topic: str
    resources: dict[str, tuple[str, Config]]
    addresses: dict[str, str]


@pytest.fixture(scope="session")
def systems(
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
    postgresql_server: Database,
    mariadb_server: Database,
    kafka_broker: KafkaBroker,
    kafka_cluster: KafkaConnection,
    shop_cache: int,
) -> Iterator[Systems]:
    """The shop and all systems, in databases of their own."""
    folder = tmp_path_factory.mktemp("systems")
    if kafka_broker.sasl is None:
        pytest.skip("the broker of KAFKA_BOOTSTRAP has no listener with a login that is known here")
    topic, shop_port = f"orders-{uuid.uuid4().hex}", free_port()
    ports = {
        "postgresql": int(postgresql_server.connection.port or 0),
        "mariadb": int(mariadb_server.connection.port or 0),
        "redis": shop_cache,
    }
    with ExitStack() as stack:
        with Redis(port=shop_cache) as cache:
            cache.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", "~*", "+@all")
        loki, loki_url, _ = start_loki(login=(USER, PASSWORD))
        stack.callback(loki.server_close)
        stack.callback(loki.shutdown)
        # The kernel takes connections for it; nobody ever answers.
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        try:
            shop = launch(
                _shop(folder, shop_port, ports, kafka_broker.plaintext, topic, loki_url),
                ready=lambda: listens("127.0.0.1", shop_port),
                log=folder / "shop.log",
                environment={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            stack.callback(end, [shop])
            prometheus, prometheus_url = start_prometheus(
                folder, with_login=True, scraped=f"127.0.0.1:{shop_port}"
            )
            stack.callback(end, [prometheus])
        except Unavailable as problem:
            missing(pytestconfig, problem)
        shop_url = f"http://127.0.0.1:{shop_port}"
        addresses = {
            "shop": shop_url,
            "closed": f"http://127.0.0.1:{free_port()}",
            "guarded": prometheus_url,
            "silent": f"http://127.0.0.1:{silent.getsockname()[1]}",
        }
        right = _right(ports, kafka_broker.sasl, prometheus_url, loki_url)
        yield Systems(topic, _all_resources(right), addresses)


def _shop(
    folder: Path, port: int, ports: dict[str, int], brokers: str, topic: str, loki_url: str
) -> list[str]:
    login = f"{USER}:{PASSWORD}@127.0.0.1"
    return [
        *(sys.executable, "-m", "lab", "--port", str(port), "--database", str(folder / "shop.sqlite3")),
        *("--delay-ms", "100"),
        *("--sql", f"postgresql://{login}:{ports['postgresql']}/{mariadb.LAB}"),
        *("--sql", f"mariadb://{login}:{ports['mariadb']}/{mariadb.LAB}"),
        *("--kafka", brokers, "--topic", topic),
        *("--redis", f"redis://{login}:{ports['redis']}/5"),
        *("--loki", loki_url.replace("//", f"//{USER}:{PASSWORD}@")),
    ]


def _right(
    ports: dict[str, int], brokers: str, prometheus_url: str, loki_url: str
) -> dict[str, tuple[str, Config]]:
    login = {"host": "127.0.0.1", "user": USER, "password": PASSWORD, "database": mariadb.LAB}
    return {
        "kafka": (
            "kafka",
            {
                "bootstrapServers": brokers,
                "securityProtocol": "SASL_PLAINTEXT",
                "username": KAFKA_USER,
                "password": KAFKA_PASSWORD,
            },
        ),
        "postgresql": ("sql", {**login, "engine": "postgresql", "port": ports["postgresql"]}),
        "mariadb": ("sql", {**login, "engine": "mariadb", "port": ports["mariadb"]}),
        "redis": (
            "redis",
            {
                "host": "127.0.0.1",
                "port": ports["redis"],
                "database": 5,
                "username": USER,
                "password": PASSWORD,
            },
        ),
        "prometheus": (
            "prometheus",
            {"url": prometheus_url, "username": "tester", "password": PROMETHEUS_PASSWORD},
        ),
        "loki": ("loki", {"url": loki_url, "username": USER, "password": PASSWORD}),
    }


def _all_resources(right: dict[str, tuple[str, Config]]) -> dict[str, tuple[str, Config]]:
    """Return each resource as it should be, as one of a server that is down, and with a wrong password."""
    found: dict[str, tuple[str, Config]] = {}
    for name, (kind, config) in right.items():
        found[f"shop-{name}"] = kind, config
        found[f"shop-{name}-down"] = kind, {**config, **_nowhere(config)}
        found[f"shop-{name}-login"] = kind, {**config, "password": WRONG}
    return found


def _nowhere(config: Config) -> Config:
    address = f"127.0.0.1:{free_port()}"
    if "url" in config:
        return {"url": f"http://{address}"}
    if "bootstrapServers" in config:
        return {"bootstrapServers": address}
    return {"port": int(address.rpartition(":")[2])}
