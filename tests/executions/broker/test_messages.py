"""The messages are those that Celery's own chains send."""

from __future__ import annotations

import json
import uuid
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from celery import chain as celery_chain
from celery import current_app, signature
from pytest_django import Settings

from asynctester.broker import PLAIN_REDIS
from executions.broker import fast_redis
from executions.broker.messages import DUE, LANE, TASK, positions_of, send
from executions.broker.queues import queue_of

EXECUTION = uuid.UUID("01a20420-8d7b-7765-9b94-ed9506c08be1")
POSITIONS = [0, 1, 4]
QUEUE = queue_of(3)


@pytest.fixture
def queue(alone: None) -> Iterator[Any]:
    """The queue of the lane that the messages are in, empty."""
    with current_app.connection_for_read() as broker:
        queue = current_app.amqp.queues[QUEUE].bind(broker.default_channel)
        queue.declare()
        queue.purge()
        yield queue


def test_a_message_is_what_celery_sends(queue: Any) -> None:
    send(EXECUTION, POSITIONS, lane=3, begin=True)
    links = [[str(EXECUTION), position, position == 0] for position in POSITIONS]
    chain = celery_chain(*[signature(TASK, args=link, immutable=True) for link in links])
    chain.apply_async(queue=QUEUE)
    ours, theirs = queue.get(no_ack=True), queue.get(no_ack=True)
    assert ours.payload[:2] == theirs.payload[:2]
    assert ours.payload[2].keys() == theirs.payload[2].keys()
    embedded = [[each["args"] for each in message.payload[2]["chain"]] for message in (ours, theirs)]
    assert embedded[0] == embedded[1]
    assert ours.headers.keys() == {*theirs.headers.keys(), DUE, LANE}
    assert (ours.content_type, ours.content_encoding) == (theirs.content_type, theirs.content_encoding)
    assert ours.properties.keys() - {"priority"} == theirs.properties.keys() - {"priority"}


def raw(queue: Any) -> dict[str, Any]:
    """Take a message out of its list in Redis, as it is there; its body is decoded."""
    message = json.loads(queue.channel.client.rpop(queue.name))
    message["body"] = json.loads(b64decode(message["body"]))
    return dict(message)


def without_ids(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message with the types of its ids and times in their place."""
    headers, properties = message["headers"], message["properties"]
    return {
        **message,
        "headers": {**headers, **{key: type(headers[key]) for key in ("id", DUE)}},
        "properties": {
            **properties,
            **{key: type(properties[key]) for key in ("correlation_id", "delivery_tag")},
        },
    }


@pytest.mark.parametrize("positions", [POSITIONS, [0], [None], list(range(20))])
def test_both_paths_put_the_same_message_into_redis(
    queue: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, positions: list[int | None]
) -> None:
    if settings.CELERY_BROKER_URL.partition(":")[0] not in PLAIN_REDIS:
        pytest.skip("the broker of this run has no fast path")
    found = []
    for fast in (True, False):
        settings.BROKER_FAST_PATH = fast
        monkeypatch.setattr(fast_redis, "_made", (None, None))
        send(EXECUTION, positions, lane=3, begin=True)
        found.append(raw(queue))
    ours, theirs = found
    assert without_ids(ours) == without_ids(theirs)
    assert list(ours) == list(theirs)
    assert ours["headers"]["id"] == ours["properties"]["correlation_id"] != theirs["headers"]["id"]
    assert ours["properties"]["delivery_tag"] != theirs["properties"]["delivery_tag"]


def test_positions_arrive_in_order(queue: Any) -> None:
    send(EXECUTION, POSITIONS, lane=3, begin=False)
    message = queue.get(no_ack=True)
    assert [message.payload[0][1], *positions_of(message.payload[2]["chain"])] == POSITIONS
    assert message.headers[LANE] == 3


def test_the_last_message_of_a_chain_carries_no_other(queue: Any) -> None:
    send(EXECUTION, [None], lane=3, begin=True)
    message = queue.get(no_ack=True)
    assert message.payload[0] == [str(EXECUTION), None, True]
    assert positions_of(message.payload[2]["chain"]) == ()
