"""Messages go straight into the broker's lists, on connections that outlive what happens to the broker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from kombu import Connection
from redis import RedisError

from executions.broker import publishing as outlet_module
from executions.broker.publishing import Outlet, outlet

QUEUE = "test_outlet"
LANE = 5


@pytest.fixture
def channel() -> Iterator[Any]:
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    with Connection(settings.CELERY_BROKER_URL, transport_options=options) as connection:
        opened: Any = connection.default_channel
        yield opened
        opened.queue_purge(QUEUE)


def client_of(channel: Any) -> Any:
    """Return a client that can do more than the outlet."""
    return channel._create_client()


def waiting(channel: Any) -> list[bytes]:
    """Return the messages of the lane, the first that was put first."""
    return list(reversed(client_of(channel).lrange(f"{QUEUE}\x06\x16{LANE}", 0, -1)))


def test_messages_are_in_their_lane_in_order(channel: Any) -> None:
    out = Outlet(channel, QUEUE)
    for text in ("a", "b", "c"):
        out.put(text, LANE)
    assert waiting(channel) == [b"a", b"b", b"c"]


def test_any_number_of_threads_put_at_once(channel: Any) -> None:
    out = Outlet(channel, QUEUE)
    with ThreadPoolExecutor(40) as threads:
        list(threads.map(lambda number: out.put(str(number), LANE), range(400)))
    assert sorted(map(int, waiting(channel))) == list(range(400))
    assert len(out._idle) <= 40


def test_a_message_that_is_refused_is_the_caller_s_trouble(channel: Any) -> None:
    out = Outlet(channel, QUEUE)
    client = client_of(channel)
    client.set(f"{QUEUE}\x06\x16{LANE}", "no list")
    with pytest.raises(RedisError, match="WRONGTYPE"):
        out.put("a", LANE)
    client.delete(f"{QUEUE}\x06\x16{LANE}")
    out.put("b", LANE)
    assert waiting(channel) == [b"b"]


def test_a_key_prefix_is_kept() -> None:
    options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "global_keyprefix": "mine:"}
    with Connection(settings.CELERY_BROKER_URL, transport_options=options) as connection:
        channel: Any = connection.default_channel
        Outlet(channel, QUEUE).put('{"a": 1}', LANE)
        assert channel._get(QUEUE) == {"a": 1}


def test_a_process_has_one() -> None:
    assert outlet() is outlet() is not None


def test_another_broker_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    app: Any = current_app
    with Connection("memory://") as connection, connection.Producer() as producer:
        monkeypatch.setattr(outlet_module, "_of_pool", (None, None))
        monkeypatch.setattr(type(app._get_current_object()), "producer_or_acquire", lambda _self: producer)
        assert outlet() is None


def test_a_forked_child_makes_its_own() -> None:
    assert outlet() is not None
    child = os.fork()
    if child == 0:
        os._exit(0 if outlet_module._of_pool == (None, None) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
