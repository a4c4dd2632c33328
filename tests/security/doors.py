"""Everything that a running installation keeps or says, as bytes to look through."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import redis
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.security.pages import signed_in
from tests.servers.stack import LiveSession, LiveStack

END = b"enough was heard"


@contextmanager
def listening(stack: LiveStack) -> Iterator[bytearray]:
    """Hear every command that the broker gets, from everybody."""
    heard, ready = bytearray(), threading.Event()
    client = redis.Redis.from_url(stack.environment["REDIS_URL"], socket_timeout=60)

    def hear() -> None:
        with client.monitor() as monitor:  # type: ignore[no-untyped-call]  # the library has no types for it
            ready.set()
            while END not in heard:
                heard.extend(f"{monitor.next_command()['command']}\n".encode())

    thread = threading.Thread(target=hear, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield heard
    finally:
        client.echo(END.decode())
        thread.join(10)
        client.close()


def watched(stack: LiveStack, session: LiveSession, execution: str) -> bytes:
    """Return everything that the execution's stream says until it ends."""
    said = []
    address = f"{stack.web_socket_url}/api/v1/executions/{execution}/stream"
    with connect(address, subprotocols=["bearer", session.token], max_size=None) as socket:  # type: ignore[list-item]  # plain text
        try:
            while True:
                said.append(socket.recv(timeout=60))
        except ConnectionClosed:
            pass
    return "\n".join(str(each) for each in said).encode()


def kept_by_redis(stack: LiveStack) -> bytes:
    """Return every key of the stack's Redis with what it holds, in Redis's own format."""
    with redis.Redis.from_url(stack.environment["REDIS_URL"], socket_timeout=60) as client:
        return b"\n".join(key + b" " + (client.dump(key) or b"") for key in client.scan_iter())


def database_of(stack: LiveStack) -> dict[str, bytes]:
    """Return every table's rows as text, and of SQLite the files too."""
    address = stack.environment["DATABASE_URL"]
    if address.startswith("sqlite"):
        path = Path(address.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(path)) as database:
            names = [
                name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            found = {
                name: repr(database.execute(f'SELECT * FROM "{name}"').fetchall()).encode()  # noqa: S608 - its own tables
                for name in names
            }
        return found | {each.name: each.read_bytes() for each in path.parent.glob(f"{path.name}*")}
    with psycopg.connect(address) as server:
        names = [
            name for (name,) in server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        rows = {
            name: server.execute(f'SELECT t::text FROM "{name}" t'.encode()).fetchall()  # noqa: S608 - as above
            for name in names
        }
    return {name: "\n".join(text for (text,) in each).encode() for name, each in rows.items()}


def pages_of(stack: LiveStack, paths: Sequence[str]) -> dict[str, bytes]:
    """Return the pages, and every list and form of the admin that its index leads to."""
    browser = signed_in(stack.url)
    index = browser.get(f"{stack.url}/admin/", timeout=20).text
    lists = sorted(set(re.findall(r'href="(/admin/[a-z_]+/[a-z_]+/)"', index)))
    assert "/admin/executions/execution/" in lists
    found = {}
    for path in [*paths, *lists]:
        found[f"page {path}"] = _page(browser, stack.url + path)
    for path in lists:
        rows = set(re.findall(rf'href="({path}[^"/]+/change/)', found[f"page {path}"].decode()))
        for row in sorted(rows)[:6]:
            found[f"page {row}"] = _page(browser, stack.url + row)
    return found


def _page(browser: requests.Session, url: str) -> bytes:
    answer = browser.get(url, timeout=20)
    assert answer.status_code == 200, url
    return answer.content


def logs_of(stack: LiveStack) -> dict[str, bytes]:
    """Return the logs of its processes."""
    return {log.name: log.read_bytes() for log in stack.folder.glob("*.log")}
