"""The chains that are published: which positions, and what their messages hold."""

from __future__ import annotations

from typing import Any

from celery import current_app

from accounts.models import Team
from executions.broker import chain
from tests.executions.driving import begin, choice, delay


def taken() -> list[tuple[list[Any], int]]:
    """Take what is in the queue: each task's arguments, and how many links follow it."""
    found = []
    with current_app.connection_for_read() as broker:
        queue = current_app.amqp.queues[current_app.conf.task_default_queue].bind(broker.default_channel)
        while (message := queue.get(no_ack=True)) is not None:
            args, _, options = message.payload
            found.append((args, len(options["chain"] or [])))
    return found


def test_a_run_publishes_one_message_that_carries_twenty_links(alone: None, team: Team) -> None:
    taken()
    execution = begin(team, [delay(f"s{index}") for index in range(30)])
    assert taken() == [([str(execution.pk), 0, True], chain.LINKS - 1)]


def test_a_chain_goes_on_from_a_position(alone: None, team: Team) -> None:
    execution = begin(team, [delay("a"), choice("c", [delay("i"), delay("j")]), delay("b")])
    taken()
    assert chain.positions_from(execution.pk, 0) == [0, 1, 4]
    assert chain.positions_from(execution.pk, 2) == [2, 3]
    assert chain.publish_from(execution.pk, 1)
    assert taken() == [([str(execution.pk), 1, False], 1)]


def test_only_background_steps_still_begin(alone: None, team: Team) -> None:
    taken()
    execution = begin(team, [delay("a", runInBackground=True)])
    assert taken() == [([str(execution.pk), None, True], 0)]


def test_no_message_holds_a_value(alone: None, team: Team) -> None:
    taken()
    declared = [{"name": "key", "type": "string", "secret": True}]
    begin(team, [delay("a")], declared=declared, variables=[{"name": "key", "value": "s3cr3t-value"}])
    assert "s3cr3t-value" not in str(taken())
