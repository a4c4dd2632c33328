"""Kafka steps inside executions: start positions, waiting without a worker, waking in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from kafka import KafkaProducer

from accounts.models import Team, User
from asynctester.embedded.processes import free_port
from executions.engine.cancel import cancel_execution
from executions.models import Execution
from executions.starting.rerun import rerun
from executions.states import Source
from flows.models import Flow
from flows.services import create_flow
from resources.services import save_resource
from steprunners.clients.kafka.connection import KafkaConnection
from tests.executions.engine.conftest import Run, document, finish
from tests.servers.stack import Worker

Start = Callable[..., Execution]
RunFlow = Callable[..., Run]
Make = Callable[..., str]

#: How many runs the race test makes of each kind; `make soak` makes all 200.
RACES = 20


@pytest.fixture
def shop_kafka(team: Team, alice: User, kafka_cluster: KafkaConnection) -> None:
    config = {"bootstrapServers": kafka_cluster.bootstrap_servers}
    save_resource(team=team, user=alice, name="shop-kafka", type="kafka", config=config)


@pytest.fixture
def topic(shop_kafka: None, make_topic: Callable[..., str]) -> str:
    return make_topic(3)


def publish(topic: str, name: str = "send", key: str = "${execution.id}") -> dict[str, Any]:
    meta = {"resourceId": "shop-kafka", "topic": topic, "key": key, "message": {"id": "${execution.id}"}}
    return {"name": name, "stepType": "kafka_publish", "meta": meta}


def subscribe(topic: str, name: str = "event", timeout_ms: int = 15_000, **meta: Any) -> dict[str, Any]:
    search = {"matchType": "jsonpath", "pattern": "$[?@.id == ${execution.id}]"}
    meta = {"resourceId": "shop-kafka", "topic": topic, "searchPattern": search, **meta}
    return {"name": name, "stepType": "kafka_subscribe", "timeoutMs": timeout_ms, "meta": meta}


def pause(milliseconds: int, name: str = "pause") -> dict[str, Any]:
    return {"name": name, "stepType": "delay", "meta": {"delayMs": milliseconds}}


def flow(*steps: dict[str, Any]) -> str:
    return yaml.safe_dump({"steps": list(steps)})


def race(start: Start, topic: str, runs: int, expected_within: float) -> None:
    last = flow(publish(topic, "first"), pause(20), publish(topic), pause(30, "rest"), subscribe(topic))
    texts = [flow(publish(topic), subscribe(topic)), last]
    executions = [start(texts[index % 2]) for index in range(2 * runs)]
    ended = [finish(execution, expected_within) for execution in executions]
    assert [run.statuses for run in ended if run.status != "COMPLETED"] == []
    for run in ended:
        result = run["event"].response
        assert result["messages"][0]["value"] == {"id": str(run.execution.id)}
        assert result["scanned"]["messages"] >= 1


def test_what_is_sent_before_is_found_every_time(start: Start, topic: str) -> None:
    race(start, topic, RACES, 90)


@pytest.mark.soak
def test_four_hundred_of_four_hundred(start: Start, topic: str) -> None:
    race(start, topic, 200, 240)


@pytest.mark.soak
def test_five_hundred_wait_at_once(start: Start, topic: str, produce: Callable[..., None]) -> None:
    executions = [start(flow(subscribe(topic, timeout_ms=180_000))) for _ in range(500)]
    until = time.monotonic() + 120
    waiting = Execution.objects.filter(steps__status="WAITING")
    while waiting.count() < 500 and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(20)
    begun = time.monotonic()
    assert finish(start(flow(pause(1))), 30).status == "COMPLETED"  # others run while these wait
    print(f"another flow meanwhile: {time.monotonic() - begun:.2f} s")  # noqa: T201  # what the soak is run for
    begun = time.monotonic()
    for execution in executions:
        produce(topic, {"id": str(execution.id)})
    assert {finish(execution, 60).status for execution in executions} == {"COMPLETED"}
    print(f"500 messages found after {time.monotonic() - begun:.2f} s")  # noqa: T201  # as above


def test_the_watcher_finds_a_message(
    start: Start, shop_kafka: None, make_topic: Callable[..., str], produce: Callable[..., None]
) -> None:
    topic = make_topic(1)
    execution = start(flow(subscribe(topic, timeout_ms=120_000)))
    wait_until_parked(execution)
    produce(topic, {"id": "somebody else's"})
    time.sleep(1.0)
    produce(topic, {"id": str(execution.id)})
    sent = time.monotonic()
    run = finish(execution)
    assert run.status == "COMPLETED"
    assert time.monotonic() - sent < 20  # its own visits are 30 s apart: the watcher woke it
    assert run["event"].response["scanned"]["messages"] == 2
    assert [each["reason"] for each in run["event"].response["nearMisses"]] == [
        f"$[?@.id == '{execution.id}'] selects nothing in its value"
    ]


def wait_until_parked(execution: Execution) -> None:
    wait_until(execution, status="WAITING")


def wait_until(execution: Execution, **one_step: Any) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if execution.steps.filter(**one_step).exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"no step ever had {one_step}")


def test_a_neighbours_message_wakes_nobody(start: Start, topic: str, produce: Callable[..., None]) -> None:
    execution = start(flow(subscribe(topic, timeout_ms=6_000)))
    wait_until_parked(execution)
    before = execution.steps.get().fence
    for number in range(5):
        produce(topic, {"id": number})
        time.sleep(0.4)
    assert execution.steps.get().fence == before
    run = finish(execution)
    assert run["event"].response["scanned"]["messages"] == 5


def test_a_message_that_does_not_come_is_a_failure(run: RunFlow, topic: str) -> None:
    ended = run(flow(publish(topic), subscribe(topic, timeout_ms=1_500, key="another")))
    step = ended["event"]
    assert (ended.status, step.status) == ("FAILED", "FAILED")
    assert step.assertions[0]["field"] == "count"
    assert step.assertions[0]["actualValue"] == 0
    assert step.response["nearMisses"][0]["reason"] == f'its key is "{ended.execution.id}", not "another"'
    assert 1_300 < (step.duration_ms or 0) < 20_000  # its own time, not the 30 s of steps without one


def test_a_background_step_listens_while_others_send(run: RunFlow, topic: str) -> None:
    listening = {**subscribe(topic), "runInBackground": True}
    ended = run(flow(listening, pause(700), publish(topic)))
    assert ended.statuses == {"event": "SUCCESS", "pause": "SUCCESS", "send": "SUCCESS"}


def test_a_listener_starts_before_the_steps_after_it(start: Start, topic: str) -> None:
    listening = {**subscribe(topic, startFrom="STEP", minMessages=2), "runInBackground": True}
    sending = {**publish(topic, "beside", key="beside"), "runInBackground": True}
    executions = [start(flow(listening, sending, publish(topic))) for _ in range(5)]
    for ended in [finish(execution) for execution in executions]:
        assert set(ended.statuses.values()) == {"SUCCESS"}


def test_attempts_begin_where_the_step_began(start: Start, topic: str, produce: Callable[..., None]) -> None:
    retry = {"maxRetries": 3, "initialDelayMs": 1_500, "retryOn": ["FAILED"]}
    step = {**subscribe(topic, timeout_ms=700, startFrom="STEP"), "retry": retry}
    execution = start(flow(step))
    wait_until(execution, attempts__gte=1)
    produce(topic, {"id": str(execution.id)})  # between two attempts, or in one: never before the first
    run = finish(execution)
    assert run.statuses == {"event": "SUCCESS"}
    assert run["event"].attempts >= 2


def test_a_rerun_reads_from_where_the_first_run_began(run: RunFlow, topic: str, alice: User) -> None:
    fails_once = {"url": "${base_url}/fail", "query": {"times": "1", "key": topic}}
    looking = subscribe(topic, searchPattern={"pattern": topic})
    sending = publish(topic)
    sending["meta"]["message"] = topic
    steps = [sending, {"name": "once", "stepType": "http", "meta": fails_once}, looking]
    first = run(flow(*steps))
    assert first.statuses == {"send": "SUCCESS", "once": "FAILED", "event": "SKIPPED"}
    again = finish(rerun(execution=first.execution, user=alice, source=Source.API, from_="FAILED"))
    assert again.statuses == {"send": "SUCCESS", "once": "SUCCESS", "event": "SUCCESS"}
    assert again["send"].reused
    assert again.execution.positions == first.execution.positions


@pytest.mark.soak
def test_a_step_that_lost_its_watcher_goes_on_soon(
    start: Start, worker: Worker, topic: str, produce: Callable[..., None]
) -> None:
    execution = start(flow(subscribe(topic, timeout_ms=180_000)))
    wait_until_parked(execution)
    worker.kill()
    lost = time.monotonic()
    produce(topic, {"id": str(execution.id)})
    worker.start()
    assert finish(execution, 60).status == "COMPLETED"
    print(f"found {time.monotonic() - lost:.1f} s after its watcher was lost")  # noqa: T201  # what the soak is run for


def test_a_topic_that_does_not_exist_is_waited_for(
    start: Start, shop_kafka: None, produce: Callable[..., None]
) -> None:
    name = f"later-{time.time_ns()}"
    execution = start(flow(subscribe(name)))
    wait_until_parked(execution)
    threading.Timer(0.8, produce, (name, {"id": str(execution.id)})).start()
    assert finish(execution).status == "COMPLETED"


def test_a_topic_is_read_from_the_execution_s_start(run: RunFlow, topic: str) -> None:
    naming = publish(topic)
    reading = subscribe("${send.messages[0].topic}")
    assert run(flow(naming, pause(50), reading)).statuses["event"] == "SUCCESS"


def test_a_child_reads_from_where_its_parent_began(run: RunFlow, topic: str, team: Team, alice: User) -> None:
    search = {"matchType": "exact", "pattern": "${wanted}"}
    child = {
        "name": "Child",
        "variables": [{"name": "wanted"}, {"name": "topic"}],
        "steps": [subscribe("${topic}", searchPattern=search)],
    }
    saved: Flow = create_flow(team=team, user=alice, document=document(yaml.safe_dump(child)))
    variables = {"wanted": "${execution.id}", "topic": topic, "base_url": "http://127.0.0.1"}
    calling = {"name": "child", "stepType": "flow", "meta": {"flowId": str(saved.id), "variables": variables}}
    ended = run(flow(publish(topic), pause(300), calling))
    assert ended.statuses["child"] == "SUCCESS"
    recorded = Execution.objects.get(parent=ended.execution).positions
    assert recorded == ended.execution.positions
    assert list(*recorded["resources"].values()) == [topic]


def test_what_was_read_is_published_as_it_came(run: RunFlow, topic: str, make_topic: Make) -> None:
    copy, marked = make_topic(1), {"base64": "AAAA/w=="}
    values: list[Any] = [marked, "text", {"id": 1}, None, ""]
    each_is = {"key": marked, "headers": {"n": marked, "m": ["1", None]}}
    messages = [{"message": each, **each_is} for each in values]
    sent = {"resourceId": "shop-kafka", "topic": topic, "messages": messages}
    everything: dict[str, Any] = {
        "key": marked,
        "headers": {"n": marked},
        "minMessages": len(values),
        "searchPattern": None,
    }
    read = "${event.messages[0]"
    one = {
        "resourceId": "shop-kafka",
        "topic": copy,
        "headers": f"{read}.headers}}",
        "key": {"base64": f"{read}.key}}"},
        "message": f"{read}.value}}",
        "messageEncoding": f"{read}.valueEncoding}}",
    }
    ended = run(
        flow(
            {"name": "send", "stepType": "kafka_publish", "meta": sent},
            subscribe(topic, **everything),
            {"name": "one", "stepType": "kafka_publish", "meta": one},
            {
                "name": "all",
                "stepType": "kafka_publish",
                "meta": {"resourceId": "shop-kafka", "topic": copy, "messages": "${event.messages}"},
            },
            subscribe(copy, "copied", **{**everything, "minMessages": len(values) + 1}),
        )
    )
    assert set(ended.statuses.values()) == {"SUCCESS"}
    parts = ("key", "keyEncoding", "value", "valueEncoding", "headers")

    def shown(name: str) -> list[Any]:
        return [[each[part] for part in parts] for each in ended[name].response["messages"]]

    assert shown("copied") == [shown("event")[0], *shown("event")]
    assert [value for _, _, value, _, _ in shown("event")] == ["AAAA/w==", *values[1:]]
    assert ended["send"].request["messages"][0]["key"] == marked


def test_what_an_open_transaction_sent_before_is_not_found(
    start: Start, team: Team, alice: User, topic: str, kafka_cluster: KafkaConnection
) -> None:
    servers = kafka_cluster.bootstrap_servers
    config = {"bootstrapServers": servers, "options": {"isolationLevel": "READ_COMMITTED"}}
    save_resource(team=team, user=alice, name="committed", type="kafka", config=config)
    producer = KafkaProducer(bootstrap_servers=servers, transactional_id=topic)
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(topic, b'"older"', partition=0).get(timeout=20)
    meta: dict[str, Any] = {"resourceId": "committed", "searchPattern": {"pattern": '"'}, "minMessages": 1}
    background = {**subscribe(topic, "beside", startFrom="STEP", **meta), "runInBackground": True}
    execution = start(flow(background, subscribe(topic, **meta)))
    wait_until(execution, name="event", status="WAITING")
    producer.send(topic, b'"newer"', partition=0).get(timeout=20)
    producer.commit_transaction()
    producer.close()
    ended = finish(execution)
    for step in ("beside", "event"):
        assert [each["value"] for each in ended[step].response["messages"]] == ["newer"]
    again = finish(rerun(execution=ended.execution, user=alice, source=Source.API, from_step="event"))
    assert [each["value"] for each in again["event"].response["messages"]] == ["newer"]


def test_a_cluster_that_is_down_is_the_steps_trouble(run: RunFlow, team: Team, alice: User) -> None:
    config = {"bootstrapServers": f"127.0.0.1:{free_port()}"}
    save_resource(team=team, user=alice, name="shop-kafka", type="kafka", config=config)
    ended = run(flow(pause(10), {**subscribe("orders"), "continueOnFailure": True}, pause(10, "after")))
    assert ended.statuses == {"pause": "SUCCESS", "event": "ERROR", "after": "SUCCESS"}
    assert "nothing listens there" in ended["event"].error["message"]


def test_cancelling_ends_the_wait(start: Start, topic: str) -> None:
    execution = start(flow(subscribe(topic, timeout_ms=60_000)))
    wait_until_parked(execution)
    cancel_execution(execution)
    assert finish(execution, 10).statuses == {"event": "CANCELLED"}
