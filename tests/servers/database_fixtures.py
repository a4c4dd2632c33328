"""Databases for the sql step: PostgreSQL and MariaDB with a login, and a SQLite file."""

from __future__ import annotations

import os
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trustme

from asynctester.embedded.processes import end
from steprunners.clients.sql.connection import SqlConnection
from steprunners.clients.sql.pool import close_engines
from tests.servers import mariadb
from tests.servers.fixtures import missing
from tests.servers.plugin import FOLDER_VARIABLE
from tests.servers.postgresql import SETTINGS, start_postgresql
from tests.servers.server import Unavailable

_LOGINS = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
_LOGIN: dict[str, Any] = {
    "user": mariadb.USER,
    "password": mariadb.PASSWORD,
    "database": mariadb.DATABASE,
}
_ORDERS = (
    "DROP TABLE IF EXISTS orders",
    "CREATE TABLE orders (id integer PRIMARY KEY, status varchar(20) NOT NULL, total decimal(12, 2))",
    "INSERT INTO orders VALUES (1, 'PAID', 19.90), (2, 'OPEN', 5), (3, 'OPEN', NULL)",
)


@dataclass(frozen=True)
class Database:
    """A database: the resource that leads to it, and a way around the step to look inside."""

    connection: SqlConnection
    open: Callable[[], Any]

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run the statements at once; return the rows of the last."""
        raw = self.open()
        try:
            cursor = raw.cursor()
            for statement in statements:
                cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            raw.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The certificate authority of the tests."""
    return trustme.CA()


@pytest.fixture(scope="session")
def postgresql_server(pytestconfig: pytest.Config) -> Iterator[Database]:
    """A PostgreSQL of its own, with a user with a password. The wheel's has no TLS."""
    folder = _open_folder("postgresql-target")
    try:
        process, url = start_postgresql(folder, SETTINGS | _write_logins(folder))
    except Unavailable as problem:
        missing(pytestconfig, problem)
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE ROLE {mariadb.USER} LOGIN PASSWORD '{mariadb.PASSWORD}'".encode())
        server.execute(f"CREATE DATABASE {mariadb.DATABASE} OWNER {mariadb.USER}".encode())
        server.execute(f"CREATE ROLE {mariadb.LAB} LOGIN PASSWORD '{mariadb.LAB}-password'".encode())
        server.execute(f"CREATE DATABASE {mariadb.LAB} OWNER {mariadb.LAB}".encode())
    port = int(url.rpartition(":")[2].partition("/")[0])
    connection = SqlConnection(engine="postgresql", host="127.0.0.1", port=port, **_LOGIN)
    yield Database(connection, lambda: _open_postgresql(port))
    close_engines()
    end([process], asking=signal.SIGINT)


def _open_postgresql(port: int) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        user=mariadb.USER,
        password=mariadb.PASSWORD,
        dbname=mariadb.DATABASE,
        autocommit=True,
    )


def _open_folder(name: str) -> Path:
    """Make a folder that the server's own user can enter; pytest keeps its own folders to ourselves."""
    folder = Path(tempfile.mkdtemp(prefix=name, dir=os.environ[FOLDER_VARIABLE]))
    folder.chmod(0o755)
    return folder


def _write_logins(folder: Path) -> dict[str, str]:
    path = folder / "hba.conf"
    path.write_text(_LOGINS)
    path.chmod(0o644)
    return {"hba_file": str(path)}


@pytest.fixture(scope="session")
def mariadb_server(pytestconfig: pytest.Config, authority: trustme.CA) -> Iterator[Database]:
    """A MariaDB with TLS, a user and a database."""
    try:
        process, port = mariadb.start_mariadb(
            _open_folder("mariadb"), authority.issue_cert("127.0.0.1", "localhost")
        )
    except Unavailable as problem:
        missing(pytestconfig, problem)
    connection = SqlConnection(engine="mariadb", host="127.0.0.1", port=port, **_LOGIN)
    yield Database(connection, lambda: mariadb.connect(port))
    close_engines()
    end([process])


@pytest.fixture(scope="session")
def sqlite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder whose SQLite files may be opened."""
    return tmp_path_factory.mktemp("sqlite-files")


@pytest.fixture
def sqlite_file(sqlite_folder: Path) -> Database:
    """A SQLite file."""
    path = sqlite_folder / "shop.sqlite3"
    connection = SqlConnection(engine="sqlite", database="shop.sqlite3")
    return Database(connection, lambda: sqlite3.connect(path, isolation_level=None))


@pytest.fixture
def postgresql_database(postgresql_server: Database) -> Database:
    """PostgreSQL with the table of orders as new."""
    postgresql_server.run(*_ORDERS)
    return postgresql_server


@pytest.fixture
def mariadb_database(mariadb_server: Database) -> Database:
    """MariaDB with the table of orders as new."""
    mariadb_server.run(*_ORDERS)
    return mariadb_server


@pytest.fixture
def sqlite_database(sqlite_file: Database) -> Database:
    """SQLite with the table of orders as new."""
    sqlite_file.run(*_ORDERS)
    return sqlite_file


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def database(request: pytest.FixtureRequest) -> Database:
    """Each of the three, one after the other."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found


@pytest.fixture
def sql_connection(postgresql_database: Database) -> SqlConnection:
    """What the example of the step type runs on."""
    return postgresql_database.connection
