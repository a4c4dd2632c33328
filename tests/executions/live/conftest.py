"""A real web server in a thread of the test process, on the test database; real sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Self
from uuid import UUID

import pytest
import uvicorn
from django.conf import settings
from redis import Redis
from rest_framework_simplejwt.tokens import AccessToken
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from accounts.models import User
from asynctester.asgi import application
from asynctester.embedded.processes import wait_until
from executions.live import snapshots
from executions.live.events import layer_settings

Watch = Callable[..., "Client"]
TIMEOUT = 30.0  # the machine may be busy; nothing waits that long when all is well


def wait_for_listener(group: str, *, there: bool = True) -> None:
    """Wait until a stream of the web server of the tests follows the group, or until none does."""
    layer = layer_settings()
    assert layer is not None
    name = f"{layer['prefix']}__group__{group}"
    with Redis.from_url(settings.REDIS_URL) as client:
        assert wait_until(lambda: bool(client.pubsub_numsub(name)[0][1]) is there, within=TIMEOUT)


@pytest.fixture
def snapshot_reads(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The executions whose snapshots have been read from the database."""
    reads: list[UUID] = []
    read = snapshots._read_and_encode

    def counted(execution_id: UUID) -> snapshots.Taken | None:
        reads.append(execution_id)
        return read(execution_id)

    monkeypatch.setattr(snapshots, "_read_and_encode", counted)
    return reads


@pytest.fixture(scope="session")
def live_port() -> Iterator[int]:
    """The port of a web server that lives as long as the tests do."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(application, ws="websockets-sansio", log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(TIMEOUT)


class Client(ClientConnection):
    """A WebSocket client that speaks JSON and never waits for ever."""

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def next(self) -> dict[str, Any]:
        """Return the next message."""
        message: dict[str, Any] = json.loads(self.recv(timeout=TIMEOUT))
        return message

    def until_close(self) -> tuple[list[dict[str, Any]], int]:
        """Return what still comes, and the close code."""
        messages = []
        with suppress(ConnectionClosed):
            while True:
                messages.append(self.next())
        return messages, self.close_code or 1006


@pytest.fixture
def watch(transactional_db: None, live_port: int) -> Watch:
    """Connect: `watch(f"executions/{id}", user=alice)` by bearer token, or with options of `connect`."""

    def connected(path: str, *, user: User | None = None, **options: Any) -> Client:
        if user is not None:
            options["subprotocols"] = ["bearer", str(AccessToken.for_user(user))]
        address = f"ws://127.0.0.1:{live_port}/api/v1/{path}/stream"
        client = connect(address, create_connection=Client, compression=None, max_size=None, **options)
        assert isinstance(client, Client)
        return client

    return connected
