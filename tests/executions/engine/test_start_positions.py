"""What is recorded before the first step runs: which topics of which resources, child flows included."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Team, User
from asynctester.embedded.processes import free_port
from executions.engine import start_positions as starts
from executions.engine.start_positions import record_starts, starts_of
from executions.models import Execution
from flows.documents.document import check_document
from flows.services import create_flow
from resources.services import save_resource
from steprunners.kinds.kafka_subscribe import KafkaSubscribeRunner
from tests.executions.driving import begin, choice, delay


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The topics that each look-up asks for; every one ends at 7."""
    found: list[list[str]] = []

    def record(self: Any, keys: Any, *_: Any) -> dict[str, Any]:
        found.append(list(keys))
        return {key: {"0": 7} for key in keys}

    monkeypatch.setattr(KafkaSubscribeRunner, "record_starts", record)
    return found


@pytest.fixture
def kafka(driven: None, team: Team) -> str:
    config = {"bootstrapServers": f"127.0.0.1:{free_port()}"}
    return str(save_resource(team=team, user=None, name="shop-kafka", type="kafka", config=config).pk)


def listen(topic: str, name: str = "event", **meta: Any) -> dict[str, Any]:
    meta = {"resourceId": "shop-kafka", "topic": topic, **meta}
    return {"name": name, "stepType": "kafka_subscribe", "meta": meta}


def recorded(execution: Execution) -> dict[str, Any]:
    record_starts(execution)
    execution.refresh_from_db()
    return dict(execution.positions["resources"])


def test_each_topic_once_a_resource(kafka: str, team: Team, asked: list[Any]) -> None:
    execution = begin(team, [delay("a"), listen("one"), listen("two", "b"), listen("one", "c")])
    assert recorded(execution) == {kafka: {"one": {"0": 7}, "two": {"0": 7}}}
    assert asked == [["one", "two"]]
    assert starts_of(execution, kafka)[0]["one"] == {"0": 7}


def test_only_those_that_read_from_the_executions_begin(kafka: str, team: Team, asked: list[Any]) -> None:
    others = [
        listen("a", "a", startFrom="EARLIEST"),
        listen("b", "b", startFrom="step"),
        {**listen("c", "c"), "disabled": True},
    ]
    assert recorded(begin(team, others)) == {}
    assert asked == []


def test_a_topic_name_that_is_known_at_the_start(kafka: str, team: Team, asked: list[Any]) -> None:
    declared = [{"name": "topic", "type": "string", "defaultValue": "orders"}]
    naming = {**delay("a"), "extract": {"later": "delayedMs"}}
    steps = [naming, listen("${topic}", "b"), listen("${later}", "c")]
    recorded(begin(team, steps, declared=declared))
    assert asked == [["orders"]]


def test_inline_steps_and_child_flows(kafka: str, team: Team, alice: User, asked: list[Any]) -> None:
    raw = {"name": "Child", "variables": [{"name": "topic"}], "steps": [listen("${topic}")]}
    child = create_flow(team=team, user=alice, document=check_document(raw))
    meta = {"flowId": str(child.pk), "variables": {"topic": "of-child"}}
    calling = {"name": "call", "stepType": "flow", "meta": meta}
    recorded(begin(team, [choice("if", [listen("inline")]), calling]))
    assert asked == [["inline", "of-child"]]


def test_a_flow_that_calls_itself_ends(kafka: str, team: Team, alice: User, asked: list[Any]) -> None:
    flow = create_flow(
        team=team, user=alice, document=check_document({"name": "Loop", "steps": [delay("a")]})
    )
    calling = {"name": "call", "stepType": "flow", "meta": {"flowId": str(flow.pk)}}
    flow.versions.update(document={"name": "Loop", "steps": [listen("again", "b"), calling], "variables": []})
    recorded(begin(team, [calling]))
    assert asked == [["again"]]


def test_a_resource_that_does_not_answer_is_left_out(kafka: str, team: Team) -> None:
    execution = begin(team, [listen("orders"), listen("orders", "b", resourceId="unknown")])
    assert recorded(execution) == {}  # nothing listens there
    assert starts_of(execution, kafka)[0] == {}


def test_it_is_recorded_once(kafka: str, team: Team, asked: list[Any]) -> None:
    execution = begin(team, [listen("orders")])
    recorded(execution)
    recorded(execution)
    assert asked == [["orders"]]
    assert starts.RECORD_SECONDS < 10  # the execution's first step waits for it
