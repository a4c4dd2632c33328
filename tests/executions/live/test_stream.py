"""How a stream ends when its client misbehaves from the first moment."""

from __future__ import annotations

from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from accounts.models import Team, User
from asynctester.embedded.processes import wait_until
from executions.live import stream
from tests.counted import counted
from tests.executions.live.conftest import Watch
from tests.executions.rows import make_execution

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stream_that_ends_while_it_subscribes_is_closed(watch: Watch, team: Team, alice: User) -> None:
    """Another watcher has the group open already, so the subscription ends just when the stream does."""
    path = f"executions/{make_execution(team).pk}"
    with watch(path, user=alice) as other:
        other.next()
        for _ in range(5):
            with watch(path, user=alice) as client:
                with suppress(ConnectionClosed):
                    for _ in range(stream.MALFORMED_LIMIT + 1):
                        client.send("nonsense")
                assert client.until_close()[1] == 1008


def test_open_streams_are_counted(watch: Watch, team: Team, alice: User) -> None:
    before = counted("live_clients")
    with watch(f"executions/{make_execution(team).pk}", user=alice) as client:
        client.next()
        assert counted("live_clients") == before + 1
    assert wait_until(lambda: counted("live_clients") == before, within=30)
