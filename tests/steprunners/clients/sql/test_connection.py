"""Reaching a database: what a check says, what the guard refuses, TLS, and connections that are kept."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from asynctester.embedded.processes import wait_until
from steprunners.clients.sql.checking import check_database
from steprunners.clients.sql.connection import SqlConnection
from steprunners.clients.sql.running import Request, run_statement
from steprunners.deadline import Deadline
from steprunners.errors import AddressRefused, ConnectionFailed, DeadlineExceeded, Refused, StepError
from steprunners.network import Call, NetworkPolicy
from tests.servers.database_fixtures import Database
from tests.steprunners.clients.sql.tls_front import TlsFront
from tests.steprunners.conftest import LOOPBACK, MakeContext
from tests.steprunners.target import Target

SERVERS = pytest.mark.parametrize("kind", ["postgresql", "mariadb"])


def wait_until_none(database: Database, query: str) -> None:
    """Wait until the database counts nothing any more."""
    assert wait_until(lambda: database.run(query) == [(0,)], within=30)


@pytest.fixture
def server(request: pytest.FixtureRequest, kind: str) -> SqlConnection:
    found: Database = request.getfixturevalue(f"{kind}_database")
    return found.connection


def changed(connection: SqlConnection, **changes: Any) -> SqlConnection:
    return SqlConnection.model_validate({**connection.model_dump(by_alias=True), **changes})


def check(connection: SqlConnection, seconds: float = 5.0, network: NetworkPolicy = LOOPBACK) -> str:
    return check_database(connection, network, Deadline(seconds))


class TestCheck:
    @SERVERS
    def test_says_what_answers(self, server: SqlConnection) -> None:
        assert check(server).endswith("answers, database shop")

    def test_of_a_file(self, sqlite_database: Database, sqlite_folder: Path) -> None:
        policy = NetworkPolicy(sqlite_folder=str(sqlite_folder))
        assert check(sqlite_database.connection, network=policy).startswith("SQLite 3")
        (sqlite_folder / "text").write_text("this is no database, but long enough to look at" * 30)
        with pytest.raises(Refused, match="not a database"):
            check(SqlConnection(engine="sqlite", database="text"), network=policy)

    @SERVERS
    @pytest.mark.parametrize(
        ("changes", "error", "told"),
        [
            ({"password": "wrong"}, Refused, "(?i)refuses the login.*(password|denied)"),
            ({"user": "nobody"}, Refused, "refuses the login.*nobody"),
            ({"database": "shpo"}, Refused, "refuses the login.*(shpo)"),
            ({"port": 1}, ConnectionFailed, "nothing listens there"),
            ({"host": "no-such-host.invalid"}, ConnectionFailed, "cannot be resolved: no such host"),
        ],
    )
    def test_says_what_is_wrong(
        self, server: SqlConnection, changes: dict[str, Any], error: type[StepError], told: str
    ) -> None:
        with pytest.raises(error, match=told) as caught:
            check(changed(server, **changes))
        assert "wrong" not in caught.value.message.replace("wrongly", "")

    @SERVERS
    def test_the_guard_decides(self, server: SqlConnection) -> None:
        with pytest.raises(AddressRefused, match="loopback"):
            check(server, network=NetworkPolicy())

    @SERVERS
    @pytest.mark.parametrize("tls", ["disable", "prefer", "require"])
    def test_a_server_that_says_nothing(self, server: SqlConnection, target: Target, tls: str) -> None:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            check(changed(server, port=target.port, tls=tls), seconds=0.3)
        assert time.monotonic() - started < 30


class TestTls:
    @SERVERS
    def test_verified(self, server: SqlConnection, kind: str, authority: trustme.CA) -> None:
        trusted = {"tls": True, "caCertificate": authority.cert_pem.bytes().decode()}
        with TlsFront(authority.issue_cert("127.0.0.1"), server.port or 0) as front:
            port = front.port if kind == "postgresql" else server.port
            assert "answers" in check(changed(server, port=port, **trusted))
            assert "answers" in check(changed(server, port=port, tls="require"))
            for untrusted in ({"tls": "verify"}, {**trusted, "caCertificate": stranger()}):
                with pytest.raises(ConnectionFailed, match="no safe connection"):
                    check(changed(server, port=port, **untrusted))

    def test_a_certificate_of_another_host(
        self, postgresql_database: Database, authority: trustme.CA
    ) -> None:
        server = postgresql_database.connection
        with TlsFront(authority.issue_cert("other.example"), server.port or 0) as front:
            trusted = {"tls": "verify", "caCertificate": authority.cert_pem.bytes().decode()}
            with pytest.raises(ConnectionFailed, match="no safe connection"):
                check(changed(server, port=front.port, **trusted))

    def test_required_of_a_server_without(self, postgresql_database: Database) -> None:
        with pytest.raises(ConnectionFailed, match=r"no safe connection.*not support SSL"):
            check(changed(postgresql_database.connection, tls="require"))


def stranger() -> str:
    return trustme.CA().cert_pem.bytes().decode()


class TestKeptConnections:
    SESSION = {"postgresql": "SELECT pg_backend_pid() AS id", "mariadb": "SELECT connection_id() AS id"}

    @pytest.fixture
    def run(self, make_context: MakeContext, server: SqlConnection) -> Any:
        def run(query: str, connection: SqlConnection = server, **request: Any) -> list[Any]:
            context = make_context()
            call = Call(request.pop("network", LOOPBACK), context.deadline, context.cancellation)
            asked = Request(
                **{"query": query, "parameters": {}, "max_rows": 10, "read_only": True, **request}
            )
            return [list(row.values()) for row in run_statement(connection, asked, call).rows]  # type: ignore[union-attr]  # rows are objects

        return run

    @SERVERS
    def test_are_used_again(self, run: Any, kind: str) -> None:
        assert run(self.SESSION[kind]) == run(self.SESSION[kind])

    @SERVERS
    def test_belong_to_one_config_and_one_policy(self, run: Any, kind: str, server: SqlConnection) -> None:
        first = run(self.SESSION[kind])
        assert run(self.SESSION[kind], network=NetworkPolicy(("127.0.0.1",))) != first
        assert run(self.SESSION[kind], connection=changed(server, tls="prefer", host="localhost"),
                   network=NetworkPolicy(("localhost", "127.0.0.1"))) != first  # fmt: skip
        with pytest.raises(Refused):
            run(self.SESSION[kind], connection=changed(server, password="wrong"))
        with pytest.raises(AddressRefused):
            run(self.SESSION[kind], network=NetworkPolicy())

    @SERVERS
    def test_ended_by_the_server_are_replaced(
        self, run: Any, kind: str, request: pytest.FixtureRequest
    ) -> None:
        session = run(self.SESSION[kind])[0][0]
        database: Database = request.getfixturevalue(f"{kind}_database")
        end = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}[kind]
        database.run(end.format(session))
        left = {
            "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE pid = {}",
            "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE id = {}",
        }[kind]
        wait_until_none(database, left.format(session))
        assert run(self.SESSION[kind])[0][0] != session

    @SERVERS
    def test_keep_no_locks(self, run: Any, kind: str, request: pytest.FixtureRequest) -> None:
        database: Database = request.getfixturevalue(f"{kind}_database")
        run({"postgresql": "SELECT pg_advisory_lock(7)", "mariadb": "SELECT GET_LOCK('seven', 1)"}[kind])
        free = {"postgresql": "SELECT pg_try_advisory_lock(7)", "mariadb": "SELECT GET_LOCK('seven', 0)"}[
            kind
        ]
        assert database.run(free)[0][0] in (True, 1)

    @SERVERS
    def test_keep_no_temporary_tables(self, run: Any, kind: str) -> None:
        run("CREATE TEMPORARY TABLE left_over (id integer)", read_only=False)
        with pytest.raises(Refused, match="left_over"):
            run("SELECT * FROM left_over")

    @SERVERS
    def test_read_only_holds_inside_routines(
        self, run: Any, kind: str, request: pytest.FixtureRequest
    ) -> None:
        database: Database = request.getfixturevalue(f"{kind}_database")
        database.run(*{
            "postgresql": ["CREATE OR REPLACE FUNCTION spoil() RETURNS int LANGUAGE sql AS "
                           "$$ DELETE FROM orders RETURNING 1 $$"],
            "mariadb": ["DROP FUNCTION IF EXISTS spoil",
                        "CREATE FUNCTION spoil() RETURNS int BEGIN DELETE FROM orders; RETURN 1; END"],
        }[kind])  # fmt: skip
        with pytest.raises(Refused, match=r"(?i)read.only"):
            run("SELECT spoil()")
        assert database.run("SELECT count(*) FROM orders") == [(3,)]

    def test_a_setting_does_not_open_a_read_only_transaction(
        self, make_context: MakeContext, postgresql_database: Database
    ) -> None:
        context = make_context()
        query = (
            "WITH s AS MATERIALIZED (SELECT set_config('transaction_read_only', 'off', false) AS v) "
            "SELECT nextval('numbers') FROM s WHERE v = 'off'"
        )
        postgresql_database.run("CREATE SEQUENCE IF NOT EXISTS numbers")
        with pytest.raises(Refused, match=r"(?i)read.?(only|-write)"):
            run_statement(
                postgresql_database.connection,
                Request(query, {}, 10, read_only=True),
                Call(LOOPBACK, context.deadline, context.cancellation),
            )

    def test_a_cancelled_query_ends_on_the_server(
        self, make_context: MakeContext, postgresql_database: Database
    ) -> None:
        context = make_context(0.3)
        with pytest.raises(DeadlineExceeded):
            run_statement(
                postgresql_database.connection,
                Request("SELECT pg_sleep(100), 'marker'", {}, 10, read_only=True),
                Call(LOOPBACK, context.deadline, context.cancellation),
            )
        wait_until_none(
            postgresql_database,
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
        )


@pytest.mark.parametrize(
    "config",
    [
        {"engine": "postgresql", "database": "x"},
        {"engine": "postgresql", "host": "a,b", "database": "x", "user": "u"},
        {"engine": "postgresql", "host": "/var/run", "database": "x", "user": "u"},
        {"engine": "postgresql", "host": "a hostaddr=b", "database": "x", "user": "u"},
        {"engine": "oracle", "host": "a", "database": "x", "user": "u"},
        {"engine": "sqlite", "host": "a", "database": "x"},
        {"engine": "mysql", "host": "a", "user": "u", "database": "x", "url": "mysql://"},
        {"engine": "mysql", "host": "a", "user": "u", "database": "x", "tls": "maybe"},
    ],
)
def test_configs_that_make_no_sense_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SqlConnection.model_validate(config)


def test_values_of_a_config_stay_values(postgresql_database: Database) -> None:
    for database in ("host=10.0.0.1 dbname=shop", "postgresql://10.0.0.1/shop", "shop' host='10.0.0.1"):
        with pytest.raises(Refused, match="does not exist"):
            check(changed(postgresql_database.connection, database=database))


def test_the_password_is_the_secret() -> None:
    assert SqlConnection.secret_fields() == {"password"}
