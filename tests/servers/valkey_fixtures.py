"""A Valkey of the tests' own to read and write, and one with TLS and ACL; started when first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import trustme
from redis import Redis

from asynctester.embedded.processes import end
from steprunners.clients.redis.connection import RedisConnection
from steprunners.clients.redis.session import close_connections
from tests.servers.fixtures import missing
from tests.servers.server import Unavailable
from tests.servers.valkey import USERS, start_guarded_valkey, start_valkey


@pytest.fixture(scope="session")
def shop_cache(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[int]:
    """The port of a Valkey that is nobody's broker."""
    try:
        process, url = start_valkey(tmp_path_factory.mktemp("valkey"))
    except Unavailable as problem:
        missing(pytestconfig, problem)
    yield int(url.rpartition(":")[2])
    end([process])


@pytest.fixture
def redis_connection(shop_cache: int) -> Iterator[RedisConnection]:
    """What the step type's example runs on: an empty database but for one order."""
    connection = RedisConnection(host="127.0.0.1", port=shop_cache, database=3)
    put_order(connection)
    yield connection
    close_connections()


def put_order(connection: RedisConnection) -> None:
    """Empty the database and put the example's order into it, by a client of its own."""
    with Redis(connection.host, connection.port, connection.database) as client:
        client.flushdb()
        client.hset("order:42", mapping={"status": "FULFILLED", "quantity": "2"})


@dataclass(frozen=True)
class GuardedValkey:
    """A server with TLS and ACL, and what its clients must know."""

    port: int
    authority: trustme.CA

    @property
    def authority_pem(self) -> str:
        """The certificate of its authority."""
        return self.authority.cert_pem.bytes().decode()

    def connection(self, user: str = "tester", **changes: object) -> RedisConnection:
        """Return a connection that works, but for the changes."""
        fields = {
            "host": "127.0.0.1", "port": self.port, "tls": True, "caCertificate": self.authority_pem,
            "username": user, "password": USERS[user],
        }  # fmt: skip
        return RedisConnection.model_validate(fields | changes)


@pytest.fixture(scope="session")
def guarded_valkey(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[GuardedValkey]:
    """A Valkey that speaks TLS alone and asks for a login."""
    authority = trustme.CA()
    try:
        process, port = start_guarded_valkey(tmp_path_factory.mktemp("valkey-tls"), authority)
    except Unavailable as problem:
        missing(pytestconfig, problem)
    yield GuardedValkey(port, authority)
    end([process])
