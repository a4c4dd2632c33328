"""A whole web server while its database is refused, silent, frozen, stopped, crowded, read-only or full."""

from __future__ import annotations

import base64
import json
import os
import random
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.faults.proxy import Mode
from tests.faults.site import Answer, Site, answers, site
from tests.servers.fixtures import missing
from tests.servers.plugin import FOLDER_VARIABLE
from tests.servers.server import Unavailable
from tests.servers.stack import ADMIN_EMAIL

pytestmark = pytest.mark.processes
#: Seconds: the limits are 3 for a connection and 10 for an answer, on a machine that has other work to do.
AT_FIRST, THEN = 25.0, 5.0
CROWD = 40
FLOW: dict[str, Any] = {
    "name": "Kept whole or not at all",
    "steps": [{"name": "wait", "stepType": "delay", "meta": {"delayMs": 1}}],
}


@pytest.fixture(scope="module")
def here(pytestconfig: pytest.Config) -> Iterator[Site]:
    """The site; each test leaves it as it was."""
    folder = Path(tempfile.mkdtemp(prefix="unavailable", dir=os.environ[FOLDER_VARIABLE]))
    with ExitStack() as stack:
        try:
            made = stack.enter_context(site(folder))
        except Unavailable as problem:
            missing(pytestconfig, problem)
        yield made


@contextmanager
def refused(here: Site) -> Iterator[None]:
    here.database.set(Mode.REFUSE)
    yield
    here.database.set(Mode.PASS)


@contextmanager
def silent(here: Site) -> Iterator[None]:
    here.database.set(Mode.BLACKHOLE)
    yield
    here.database.set(Mode.PASS)


@contextmanager
def frozen(here: Site) -> Iterator[None]:
    here.freeze_database()
    yield
    here.thaw_database()


@contextmanager
def stopped(here: Site) -> Iterator[None]:
    here.stop_database()
    yield
    here.start_database()


def is_outage(answer: Answer) -> bool:
    """Say whether it is a 503 as it should be."""
    assert answer.status == 503, answer
    assert answer.retry_after.isdigit()
    assert "Traceback" not in answer.text
    return True


def works(here: Site) -> bool:
    return here.ask("GET", "/api/v1/flows").status == 200


@pytest.mark.parametrize(
    "way", [refused, frozen, *(pytest.param(way, marks=pytest.mark.soak) for way in (silent, stopped))]
)
def test_without_its_database_it_says_so_quickly_and_comes_back(
    here: Site, way: Callable[..., object]
) -> None:
    assert works(here)
    with way(here):  # type: ignore[attr-defined]  # each is a context manager
        crowd = here.crowd(CROWD, "GET", "/api/v1/flows")
        assert all(is_outage(answer) and answer.seconds < AT_FIRST for answer in crowd)
        body = json.loads(crowd[0].text)
        assert (body["type"], body["errors"][0]["code"]) == ("server_error", "unavailable")
        again = [
            *here.crowd(CROWD, "GET", "/api/v1/flows"),
            here.ask("POST", "/api/v1/flows", json=FLOW),
            here.ask("POST", "/api/v1/auth/login", json={"email": "a@b.example", "password": "x"}),
        ]
        assert all(is_outage(answer) and answer.seconds < THEN for answer in again)
        page = here.ask("GET", "/executions", cookies={"sessionid": "x" * 32})
        assert is_outage(page)
        assert "Not available at the moment" in page.text
        assert is_outage(here.ask("GET", "/admin/", cookies={"sessionid": "x" * 32}))
        assert here.ask("GET", "/healthz").status == 200
        assert here.ask("GET", "/readyz").status == 503
        assert here.ask("GET", "/metrics").status == 200
        assert close_code(here) == 1013
    assert answers(here, lambda: works(here))


def close_code(here: Site) -> int | None:
    """Return with which code a live stream ends."""
    url = f"{here.stack.web_socket_url}/api/v1/executions/{uuid.uuid4()}/stream"
    with connect(url, subprotocols=["bearer", here.session.token], open_timeout=30) as client:  # type: ignore[list-item]
        try:
            client.recv(timeout=30)
        except ConnectionClosed:
            return client.close_code
    return None


def test_a_database_with_too_many_connections(here: Site) -> None:
    taken = []
    try:
        while True:
            taken.append(here.server())
    except psycopg.OperationalError:
        pass
    crowd = here.crowd(CROWD, "GET", "/api/v1/flows")
    assert all(answer.status == 200 or is_outage(answer) for answer in crowd)
    assert max(answer.seconds for answer in crowd) < AT_FIRST
    for each in taken:
        each.close()
    assert answers(here, lambda: works(here))


def test_a_standby_that_takes_no_writes(here: Site) -> None:
    before = count(here)
    with here.server() as server:
        server.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        server.execute("SELECT pg_reload_conf()")
        try:
            assert answers(here, lambda: here.ask("POST", "/api/v1/flows", json=FLOW).status == 503)
            assert is_outage(here.ask("POST", "/api/v1/flows", json=FLOW))
            assert works(here)
        finally:
            server.execute("SET default_transaction_read_only = off")
            server.execute("ALTER SYSTEM RESET default_transaction_read_only")
            server.execute("SELECT pg_reload_conf()")
    assert answers(here, lambda: here.ask("POST", "/api/v1/flows", json=FLOW).status == 201)
    assert count(here) > before


def count(here: Site) -> int:
    return int(json.loads(here.ask("GET", "/api/v1/flows").text)["count"])


def test_a_disk_that_is_full(here: Site) -> None:
    """What is written is refused, and nothing of it stays."""
    if not here.has_disk:
        pytest.skip("mounting a small disk is not allowed here")
    flow = {**FLOW, "name": "Large"}
    flow["steps"] = [
        {"name": "send", "stepType": "http", "meta": {"url": "http://127.0.0.1:1", "body": NOISE}}
    ]
    made = here.ask("POST", "/api/v1/flows", json=flow)
    assert made.status == 201, made
    run = f"/api/v1/flows/{json.loads(made.text)['id']}/run"
    asked = [made]
    with here.full_disk():
        for _ in range(40):
            asked += [here.ask("POST", "/api/v1/flows", json=flow), here.ask("POST", run, json={})]
        refused = [answer for answer in asked if answer.status != 201]
        assert len(refused) > 5
        assert all(is_outage(answer) and answer.seconds < AT_FIRST for answer in refused)
    if here.postgresql.poll() is not None:  # it ends where it cannot write its own log
        here.start_database()
    assert answers(here, lambda: works(here))
    assert half_done(here) == 0


def test_who_says_nothing_is_hung_up_on(here: Site) -> None:
    """The limits are those of a web server as it is started, too."""
    with socket.create_connection(("127.0.0.1", here.stack.port), timeout=30) as client:
        assert client.recv(1) == b""


@pytest.mark.parametrize("mode", [Mode.REFUSE, pytest.param(Mode.BLACKHOLE, marks=pytest.mark.soak), "full"])
def test_without_redis_everything_goes_on(here: Site, mode: Mode | str) -> None:
    """Runs are accepted and begin later; requests about signing in are not counted; only mail has to wait."""
    made = here.ask("POST", "/api/v1/flows", json={**FLOW, "name": f"Without Redis, {mode}"})
    with without_redis(here, mode):
        run = here.ask("POST", f"/api/v1/flows/{json.loads(made.text)['id']}/run", json={})
        login = here.ask("POST", "/api/v1/auth/login", json={"email": "a@b.example", "password": "x"})
        again = here.ask("POST", "/api/v1/auth/login", json={"email": "a@b.example", "password": "x"})
        mail = here.ask("POST", "/api/v1/auth/forgot-password", json={"email": ADMIN_EMAIL})
        pages = [here.ask("GET", path) for path in ("/sign-in", "/api/v1/executions", "/forgot-password")]
    assert [run.status, login.status, *(page.status for page in pages)] == [201, 401, 200, 200, 200], (
        run,
        login,
    )
    assert (mail.status, mail.retry_after) == (503, "60")
    assert max(answer.seconds for answer in (run, login, again, mail)) < AT_FIRST / 2
    assert again.seconds < THEN / 2


@contextmanager
def without_redis(here: Site, mode: Mode | str) -> Iterator[None]:
    with Redis("127.0.0.1", here.redis.target[1], socket_timeout=5) as client:
        if isinstance(mode, Mode):
            here.redis.set(mode)
        else:
            client.config_set("maxmemory", "1")
        yield
        here.redis.set(Mode.PASS)
        client.config_set("maxmemory", "0")


#: It takes its room on the disk also when it is compressed.
NOISE = base64.b64encode(random.Random(1).randbytes(600_000)).decode()


def half_done(here: Site) -> int:
    """Return how many flows have no version, and runs no steps."""
    statement = """
        SELECT (SELECT count(*) FROM flows_flow WHERE NOT EXISTS
                    (SELECT 1 FROM flows_flowversion WHERE flow_id = flows_flow.id))
             + (SELECT count(*) FROM executions_execution WHERE NOT EXISTS
                    (SELECT 1 FROM executions_executionstep WHERE execution_id = executions_execution.id))
    """
    with here.server() as server:
        row = server.execute(statement).fetchone()
    assert row is not None
    return int(row[0])
