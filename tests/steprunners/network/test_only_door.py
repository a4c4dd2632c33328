"""Nothing below `steprunners` opens a socket but the guard, and the clients that it hands its sockets to."""

from __future__ import annotations

import ast
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

#: Calls that connect, or that build a client which connects by itself.
DOORS = {
    "socket", "create_connection", "getaddrinfo", "gethostbyname", "urlopen", "Session", "HTTPConnection",
    "HTTPSConnection", "Redis", "from_url", "StrictRedis", "KafkaConsumer", "KafkaProducer", "KafkaAdminClient",
    "ProxyManager", "connect_start", "connect_db", "open_connection", "Popen", "system",
}  # fmt: skip
#: Where one of them stands, and why it may.
KNOWN = {
    ("network/calls.py", "socket"): "a duplicate of a descriptor that is open already",
    ("network/sockets.py", "socket"): "the one door",
    ("network/sockets.py", "getaddrinfo"): "resolved once; the answer is what is checked and connected to",
    ("clients/redis/session.py", "Session"): "our own, on such a connection",
    (
        "clients/sql/postgresql/connecting.py",
        "connect_start",
    ): "libpq gets hostaddr: the addresses that the policy permitted",
}


def parsed(source: str) -> ast.AST:
    """Return the tree; CPython 3.11 counts depth for all threads together, and another may format a traceback."""
    for _ in range(20):
        with suppress(SystemError):
            return ast.parse(source)
    return ast.parse(source)


def calls_in(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(parsed(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            names.add(name)
    return names


def test_only_the_guard_connects() -> None:
    found = {
        (str(path.relative_to(ROOT / "steprunners")), name)
        for path in (ROOT / "steprunners").rglob("*.py")
        for name in calls_in(path) & DOORS
    }
    assert found == set(KNOWN)


@pytest.mark.parametrize("app", ["resources", "flows", "executions"])
def test_apps_connect_to_nothing_that_a_user_named(app: str) -> None:
    """Their own Redis is the only server that these apps call."""
    found = {
        (path.name, name)
        for path in (ROOT / app).rglob("*.py")
        for name in calls_in(path) & (DOORS - {"from_url", "system"})
    }
    assert found == set()
