"""The messages are what Celery's own chains send."""

from __future__ import annotations

import json
import uuid
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import pytest
from celery import chain as celery_chain
from celery import current_app, signature

from executions.broker import messages as links
from executions.broker.messages import DUE, TASK, positions_of, send

EXECUTION = uuid.UUID("01a20420-8d7b-7765-9b94-ed9506c08be1")
POSITIONS = [0, 1, 4]


def taken() -> list[Any]:
    """Take the messages out of the queue."""
    found = []
    with current_app.connection_for_read() as broker:
        queue = current_app.amqp.queues[current_app.conf.task_default_queue].bind(broker.default_channel)
        while (message := queue.get(no_ack=True)) is not None:
            found.append(message)
    return found


def test_a_message_is_what_celery_sends(alone: None) -> None:
    taken()
    send(EXECUTION, POSITIONS, lane=3, begin=True)
    links = [[str(EXECUTION), position, position == 0] for position in POSITIONS]
    celery_chain(*[signature(TASK, args=link, immutable=True, priority=3) for link in links]).apply_async()
    ours, theirs = taken()
    assert ours.payload[:2] == theirs.payload[:2]
    assert ours.payload[2].keys() == theirs.payload[2].keys()
    embedded = [[each["args"] for each in message.payload[2]["chain"]] for message in (ours, theirs)]
    assert embedded[0] == embedded[1]
    assert ours.headers.keys() == {*theirs.headers.keys(), DUE}
    assert (ours.content_type, ours.content_encoding) == (theirs.content_type, theirs.content_encoding)
    assert ours.delivery_info == theirs.delivery_info
    assert ours.properties["priority"] == theirs.properties["priority"] == 3


def raw(lane: int) -> dict[str, Any]:
    """Take a message out of its list in Redis, as it is there; its body is decoded."""
    with current_app.connection_for_read() as broker:
        channel: Any = broker.default_channel
        with channel.conn_or_acquire() as client:
            message = json.loads(client.rpop(channel._q_for_pri(current_app.conf.task_default_queue, lane)))
    message["body"] = json.loads(b64decode(message["body"]))
    return dict(message)


def without_ids(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message with the kinds of its ids and times in the place of these."""
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
def test_what_is_put_into_redis_is_what_kombu_puts_there(
    alone: None, monkeypatch: pytest.MonkeyPatch, positions: list[int | None]
) -> None:
    taken()
    send(EXECUTION, positions, lane=3, begin=True)
    ours = raw(3)
    monkeypatch.setattr(links, "outlet", lambda: None)
    send(EXECUTION, positions, lane=3, begin=True)
    theirs = raw(3)
    assert without_ids(ours) == without_ids(theirs)
    assert list(ours) == list(theirs)
    assert ours["headers"]["id"] == ours["properties"]["correlation_id"] != theirs["headers"]["id"]
    assert ours["properties"]["delivery_tag"] != theirs["properties"]["delivery_tag"]


def test_positions_go_out_and_come_back_in_order(alone: None) -> None:
    taken()
    send(EXECUTION, POSITIONS, lane=0, begin=False)
    [message] = taken()
    assert [message.payload[0][1], *positions_of(message.payload[2]["chain"])] == POSITIONS


def test_the_last_link_carries_none(alone: None) -> None:
    taken()
    send(EXECUTION, [None], lane=0, begin=True)
    [message] = taken()
    assert message.payload[0] == [str(EXECUTION), None, True]
    assert positions_of(message.payload[2]["chain"]) == ()
