"""The stream of one execution and that of a team, over real sockets."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from channels.layers import get_channel_layer
from pytest_django import Settings
from websockets.exceptions import ConnectionClosed

from accounts.models import Team, TeamMembership, User
from asynctester.embedded.processes import wait_until
from executions.live import consumers, events, hub, stream
from executions.live.messages import message
from executions.models import Execution, ExecutionStep
from executions.presentation import LARGEST_RESPONSE
from executions.states import ExecutionStatus, StepStatus
from tests.cast import ApiFor
from tests.executions.live.changes import change_execution, change_step, publish
from tests.executions.live.conftest import TIMEOUT, Watch, wait_for_listener
from tests.executions.live.replay import apply
from tests.executions.rows import START, make_execution, make_step, make_steps

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def execution(team: Team) -> Execution:
    """A run of three steps that has just begun."""
    execution = make_execution(team, sequence=3)
    make_steps(execution, 3, status=StepStatus.PENDING, attempts=0)
    return execution


def steps_of(execution: Execution) -> list[ExecutionStep]:
    return list(execution.steps.all())


def path(execution: Execution) -> str:
    return f"executions/{execution.pk}"


def test_snapshot_first_then_the_updates_then_1000(watch: Watch, alice: User, execution: Execution) -> None:
    with watch(path(execution), user=alice) as client:
        first = client.next()
        assert client.subprotocol == "bearer"
        assert (first["updateType"], first["sequence"]) == ("SNAPSHOT", 3)
        assert [step["name"] for step in first["execution"]["steps"]] == ["step_0", "step_1", "step_2"]
        publish(change_step(steps_of(execution)[0], StepStatus.IN_PROGRESS))
        assert client.next()["stepUpdate"]["status"] == "IN_PROGRESS"
        publish(change_execution(execution.pk, ExecutionStatus.COMPLETED))
        messages, code = client.until_close()
        assert [update["updateType"] for update in messages] == ["EXECUTION_UPDATE"]
        assert messages[0]["sequence"] == 5
        assert code == 1000


def test_earlier_changes_are_in_the_first_snapshot(watch: Watch, alice: User, execution: Execution) -> None:
    for number in range(3, 6):
        with watch(path(execution), user=alice) as client:
            assert client.next()["sequence"] == number
        wait_for_listener(events.execution_group(execution.pk), there=False)
        publish(change_step(steps_of(execution)[0], StepStatus.IN_PROGRESS))


def test_updates_put_into_the_snapshot_give_what_rest_gives(
    watch: Watch, alice: User, api: ApiFor, execution: Execution
) -> None:
    first, second, third = steps_of(execution)
    with watch(path(execution), user=alice) as client:
        shown = client.next()["execution"]
        publish(
            change_step(first, StepStatus.IN_PROGRESS, started_at=START),
            change_step(first, StepStatus.SUCCESS, response={"body": 2**70}, extracted={"a": "\ud800 \x00"}),
            change_step(second, StepStatus.WAITING, due_at=START, attempts=1),
            change_step(second, StepStatus.FAILED, response="x" * LARGEST_RESPONSE, completed_at=START),
            change_step(third, StepStatus.SKIPPED),
            change_execution(execution.pk, ExecutionStatus.FAILED, completed_at=START, duration_ms=7),
        )
        updates, code = client.until_close()
    for update in updates:
        shown = apply(shown, update)
    assert code == 1000
    assert shown == api(alice).get(f"/api/v1/executions/{execution.pk}").json()


def test_late_and_repeated_updates_are_put_in_order(watch: Watch, alice: User, execution: Execution) -> None:
    first, second, _ = steps_of(execution)
    with watch(path(execution), user=alice) as client:
        client.next()
        four = change_step(first, StepStatus.IN_PROGRESS)
        five = change_step(second, StepStatus.IN_PROGRESS)
        publish(five, five, four, four)
        assert [client.next()["sequence"] for _ in range(2)] == [4, 5]


def test_a_gap_brings_a_snapshot(watch: Watch, alice: User, execution: Execution) -> None:
    first, second, _ = steps_of(execution)
    with watch(path(execution), user=alice) as client:
        client.next()
        change_step(first, StepStatus.IN_PROGRESS)  # its message is lost
        publish(change_step(second, StepStatus.IN_PROGRESS))
        update = client.next()
        assert (update["updateType"], update["sequence"]) == ("SNAPSHOT", 5)


def test_the_reconciler_sends_updates_that_were_not_published(
    watch: Watch, alice: User, execution: Execution
) -> None:
    with watch(path(execution), user=alice) as client:
        client.next()
        change_execution(execution.pk, ExecutionStatus.CANCELLED)
        messages, code = client.until_close()
        assert [update["updateType"] for update in messages] == ["SNAPSHOT"]
        assert messages[0]["executionStatus"] == "CANCELLED"
        assert code == 1000


def test_finished_execution_snapshot_and_1000(watch: Watch, alice: User, team: Team) -> None:
    execution = make_execution(team, status=ExecutionStatus.COMPLETED)
    with watch(path(execution), user=alice) as client:
        messages, code = client.until_close()
    assert [update["updateType"] for update in messages] == ["SNAPSHOT"]
    assert code == 1000


def test_deleted_while_watched(watch: Watch, alice: User, execution: Execution) -> None:
    with watch(path(execution), user=alice) as client:
        client.next()
        execution.delete()
        assert client.until_close() == ([], 4404)


def test_snapshot_on_request_but_not_as_often_as_asked(
    watch: Watch, alice: User, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "SNAPSHOT_SPACING", 3.0)
    began = time.monotonic()
    with watch(path(execution), user=alice) as client:
        client.next()
        for _ in range(10):
            client.send('{"type": "snapshot"}')
        assert client.next()["updateType"] == "SNAPSHOT"
        assert time.monotonic() - began >= 3
        publish(message(Execution.objects.get(pk=execution.pk), "x", sequence=4))
        kinds = [client.next()["updateType"]]
        while kinds[-1] == "SNAPSHOT":
            kinds.append(client.next()["updateType"])
        assert kinds.count("SNAPSHOT") <= 1


def test_a_ping_is_answered_also_when_nothing_happens(
    watch: Watch, alice: User, execution: Execution
) -> None:
    paths = path(execution), f"teams/{execution.team_id}"
    for address, first in zip(paths, ("SNAPSHOT", None), strict=True):
        with watch(address, user=alice) as client:
            if first:
                assert client.next()["updateType"] == first
            for _ in range(30):  # more than a client may send of what is not understood
                client.send('{"type": "ping"}')
            for _ in range(30):
                answer = client.next()
                assert answer["type"] == "pong"
                assert abs(answer["timestamp"] - time.time() * 1_000) < 60_000


def test_nonsense_is_ignored_then_refused(watch: Watch, alice: User, execution: Execution) -> None:
    with watch(path(execution), user=alice) as client:
        client.next()
        for nonsense in ("", "{", "[" * 4_000, "null", '{"type": "cancel"}', b"\xff\x00"):
            client.send(nonsense)
        publish(message(Execution.objects.get(pk=execution.pk), "still there", sequence=4))
        assert client.next()["message"] == "still there"
        with suppress(ConnectionClosed):
            for _ in range(stream.MALFORMED_LIMIT):
                client.send("nonsense")
        assert client.until_close()[1] == 1008


def test_a_huge_request_is_refused(watch: Watch, alice: User, execution: Execution) -> None:
    with watch(path(execution), user=alice) as client:
        client.next()
        client.send(json.dumps({"type": "snapshot", "padding": "x" * stream.LONGEST_REQUEST}))
        assert client.until_close()[1] == 1009


@pytest.mark.parametrize("who", ["charlie", "nobody"])
def test_strangers(watch: Watch, request: pytest.FixtureRequest, execution: Execution, who: str) -> None:
    user = None if who == "nobody" else request.getfixturevalue(who)
    with watch(path(execution), user=user) as client:
        assert client.until_close() == ([], 4404 if user else 4401)


@pytest.mark.parametrize(
    "unknown", ["executions/01900000-0000-7000-8000-000000000000", "executions/none", "teams/x", "nothing"]
)
def test_unknown(watch: Watch, alice: User, unknown: str) -> None:
    with watch(unknown, user=alice) as client:
        assert client.until_close() == ([], 4404)


def test_viewer_may_watch(watch: Watch, vera: User, execution: Execution) -> None:
    with watch(path(execution), user=vera) as client:
        assert client.next()["updateType"] == "SNAPSHOT"


def test_a_user_who_leaves_the_team_is_disconnected(
    watch: Watch, bob: User, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LOGIN_CHECK", 0.2)
    with watch(path(execution), user=bob) as client:
        client.next()
        TeamMembership.objects.filter(user=bob).delete()
        assert client.until_close() == ([], 4404)


def test_a_socket_that_does_not_read_is_dropped(
    watch: Watch, alice: User, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "QUEUE_MESSAGES", 20)
    step = make_step(execution, 3, status=StepStatus.IN_PROGRESS, look_at=START)
    step.request = {"body": "x" * 1_000_000}
    with watch(path(execution), user=alice, max_queue=1) as client:
        client.next()
        for _ in range(60):
            publish(change_step(step, StepStatus.IN_PROGRESS))
        wait_for_listener(f"execution.{execution.pk}", there=False)
        received, code = client.until_close()
        assert len(received) < 60
        assert code in (1013, 1006)


def test_team_stream_tells_of_changes_of_status(
    watch: Watch, vera: User, team: Team, execution: Execution
) -> None:
    with watch(f"teams/{team.pk}", user=vera) as client:
        wait_for_listener(f"team.{team.pk}")
        publish(change_step(steps_of(execution)[0], StepStatus.IN_PROGRESS))
        publish(change_execution(execution.pk, ExecutionStatus.COMPLETED))
        update = client.next()
        assert update["executionId"] == str(execution.pk)
        assert update["status"] == "COMPLETED"


def test_team_stream_is_not_for_strangers(watch: Watch, charlie: User, team: Team) -> None:
    with watch(f"teams/{team.pk}", user=charlie) as client:
        assert client.until_close() == ([], 4404)


def test_without_redis_everything_still_arrives(
    watch: Watch, alice: User, execution: Execution, settings: Settings
) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        nowhere = f"redis://127.0.0.1:{reserved.getsockname()[1]}"
        settings.CHANNEL_LAYERS = {
            "default": {"BACKEND": events.PUBSUB_LAYER, "CONFIG": {"hosts": [nowhere]}}
        }
        with watch(path(execution), user=alice) as client:
            assert client.next()["updateType"] == "SNAPSHOT"
            change_execution(execution.pk, ExecutionStatus.COMPLETED)
            messages, code = client.until_close()
    assert messages[-1]["executionStatus"] == "COMPLETED"
    assert code == 1000


def test_closed_streams_leave_nothing_behind(watch: Watch, alice: User, execution: Execution) -> None:
    for _ in range(5):
        with watch(path(execution), user=alice) as client:
            client.next()
    layer: Any = get_channel_layer()
    [(loop, loop_layer)] = layer._layers.items()
    loop_hub = hub._hubs[loop]

    def subscribed() -> bool:
        return any(shard._subscribed_to for shard in loop_layer._shards)

    def left() -> bool:
        return bool(loop_hub._followers or loop_layer.channels or loop_layer.groups or subscribed())

    assert wait_until(lambda: not left(), within=TIMEOUT)


def test_a_new_client_gets_the_shared_snapshot(
    watch: Watch, alice: User, execution: Execution, snapshot_reads: list[UUID]
) -> None:
    with watch(path(execution), user=alice) as first:
        shown = first.next()
        with watch(path(execution), user=alice) as second:
            assert second.next() == shown
        assert len(snapshot_reads) == 1
        publish(change_step(steps_of(execution)[0], StepStatus.IN_PROGRESS))
        assert first.next()["sequence"] == 4
        with watch(path(execution), user=alice) as third:
            assert third.next()["sequence"] == 4
    assert len(snapshot_reads) == 2
