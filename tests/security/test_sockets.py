"""Who may open a WebSocket of the running service: a stranger's is unknown, and other sites' pages stay outside."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.browser.flows import delay, flow_of
from tests.security.pages import signed_in
from tests.servers.stack import LiveStack


def close_code(address: str, **options: Any) -> int:
    """Return what the server closes with, or 0 where it says something first."""
    try:
        with connect(address, **options) as socket:
            socket.recv(timeout=20)
            return 0
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else -1
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.fixture(scope="module")
def address(live_stack: LiveStack) -> str:
    run = live_stack.session().post("flows/run", json={"flow": flow_of(delay("wait", 1), name="Sockets")})
    return f"{live_stack.web_socket_url}/api/v1/executions/{run['id']}/stream"


def test_who_gets_in(live_stack: LiveStack, address: str) -> None:
    token = live_stack.access_token()
    cookie = f"sessionid={signed_in(live_stack.url).cookies['sessionid']}"
    own = live_stack.url
    unknown = address.replace(address.split("/")[-2], str(uuid.uuid4()))

    def by_cookie(origin: str | None) -> int:
        return close_code(address, origin=origin, additional_headers={"Cookie": cookie})

    assert close_code(address, subprotocols=["bearer", token]) == 0
    assert close_code(unknown, subprotocols=["bearer", token]) == 4404
    assert close_code(address, subprotocols=["bearer", "nonsense"]) == 4401
    assert close_code(address) == 4401
    assert close_code(f"{address}?token={token}") == 4401, "never a token in the URL"
    assert by_cookie(own) == 0
    for origin in (None, "https://evil.example", "null", own.replace("http", "ftp"), own + ".evil.example"):
        assert by_cookie(origin) == 4401, origin
