"""Redis, Loki and Prometheus steps inside executions: wait, retry, assert, extract, mask."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from redis import Redis

from accounts.models import Team, User
from asynctester.embedded.processes import wait_until
from executions.engine.cancel import cancel_execution
from executions.models import Execution
from resources.services import save_resource
from steprunners.clients.redis.connection import RedisConnection
from steprunners.kinds.loki import LokiConnection
from steprunners.kinds.prometheus import PrometheusConnection
from tests.executions.engine.conftest import Run, finish
from tests.servers.monitoring_fixtures import EPOCH, push
from tests.servers.valkey_fixtures import GuardedValkey

RunFlow = Callable[..., Run]
Start = Callable[..., Execution]


def step(name: str, kind: str, meta: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    return {"name": name, "stepType": kind, "meta": {"resourceId": f"shop-{kind}", **meta}, **envelope}


def flow(*steps: dict[str, Any]) -> str:
    return yaml.safe_dump({"steps": list(steps)})


def once_waiting(execution: Execution, seconds: float = 20) -> None:
    """Return when a step has been tried without success."""
    until = time.monotonic() + seconds
    while not execution.steps.filter(status="WAITING", attempts__gte=1).exists():
        assert time.monotonic() < until, "no step waits"
        time.sleep(0.02)


@pytest.fixture
def redis(team: Team, alice: User, redis_connection: RedisConnection) -> Iterator[Any]:
    config = {
        "host": redis_connection.host,
        "port": redis_connection.port,
        "database": redis_connection.database,
    }
    save_resource(team=team, user=alice, name="shop-redis", type="redis", config=config)
    with Redis(redis_connection.host, redis_connection.port, redis_connection.database) as client:
        yield client


@pytest.fixture
def loki(team: Team, alice: User, loki_connection: LokiConnection) -> str:
    save_resource(team=team, user=alice, name="shop-loki", type="loki", config={"url": loki_connection.url})
    return loki_connection.url


@pytest.fixture
def prometheus(team: Team, alice: User, prometheus_connection: PrometheusConnection) -> None:
    config = {"url": prometheus_connection.url}
    save_resource(team=team, user=alice, name="shop-prometheus", type="prometheus", config=config)


def test_a_value_that_comes_later_is_waited_for(start: Start, redis: Any) -> None:
    meta = {"operation": "get", "key": "late", "expectedValue": "here"}
    until = {"timeoutMs": 20_000, "intervalMs": 200}
    exists = [{"field": "exists", "operator": "equals", "expectedValue": True}]
    execution = start(
        flow(
            step("wait", "redis", meta, until=until, assertions=exists, extract={"found": "value"}),
            step("copy", "redis", {"operation": "set", "key": "copy", "value": "${found}!"}),
        )
    )
    once_waiting(execution)
    redis.set("late", "here")
    done = finish(execution)
    assert done.statuses == {"wait": "SUCCESS", "copy": "SUCCESS"}
    assert done["wait"].attempts > 1
    assert redis.get("copy") == b"here!"


def test_a_wrong_value_says_what_was_there(run: RunFlow, redis: Any) -> None:
    meta = {"operation": "hget", "key": "order:42", "field": "status", "expectedValue": "PAID"}
    done = run(flow(step("row", "redis", meta)))
    assert done.status == "FAILED"
    (judged,) = done["row"].assertions
    assert (judged["expectedValue"], judged["actualValue"]) == ("PAID", "FULFILLED")


def test_a_wrong_password_is_an_error_without_the_password(
    run: RunFlow, team: Team, alice: User, guarded_valkey: GuardedValkey
) -> None:
    config = {
        "host": "127.0.0.1", "port": guarded_valkey.port, "tls": True, "username": "tester",
        "password": "not-the-password", "caCertificate": guarded_valkey.authority_pem,
    }  # fmt: skip
    save_resource(team=team, user=alice, name="shop-redis", type="redis", config=config)
    retry = {"maxRetries": 1, "initialDelayMs": 50}
    done = run(flow(step("row", "redis", {"operation": "get", "key": "k"}, retry=retry)))
    assert done["row"].status == "ERROR"
    assert done["row"].attempts == 2
    assert done["row"].error["code"] == "refused"
    assert "login" in done["row"].error["message"]
    assert "not-the-password" not in str(done["row"].error)


def test_only_log_lines_of_this_execution_are_found(start: Start, loki: str) -> None:
    app = f"engine-{time.time_ns()}"
    push(loki, [(time.time_ns() - 3_000_000_000, {"app": app}, "order 7 of an earlier run")])
    meta = {"labels": {"app": app}, "containsPatterns": ["order 7"]}
    until = {"timeoutMs": 20_000, "intervalMs": 200}
    found = [{"field": "matchCount", "operator": "gte", "expectedValue": 1}]
    again = {"labels": {"app": app}, "containsPatterns": ["${line.logLines[0].line}"]}
    execution = start(
        flow(
            step("line", "loki", meta, until=until, assertions=found, runInBackground=True),
            step("again", "loki", again),
        )
    )
    once_waiting(execution)
    push(loki, [(time.time_ns(), {"app": app}, "order 7 done")])
    done = finish(execution)
    assert done.statuses == {"line": "SUCCESS", "again": "SUCCESS"}
    assert [line["line"] for line in done["line"].response["logLines"]] == ["order 7 done"]


def test_an_anomaly_fails_the_execution_with_its_reason(run: RunFlow, prometheus: None) -> None:
    start = EPOCH * 1000
    windows = {
        "query": "shop_ramp",
        "duration1": {"startTime": start, "endTime": start + 270_000},
        "duration2": {"startTime": start + 300_000, "endTime": start + 570_000},
    }
    warned = run(flow(step("warned", "prometheus", windows)))
    assert warned.statuses == {"warned": "SUCCESS"}
    assert warned["warned"].response["comparison"]["anomalyDetected"] is True
    failed = run(flow(step("failed", "prometheus", {**windows, "comparison": {"mode": "MANN_WHITNEY"}})))
    assert failed.statuses == {"failed": "FAILED"}
    (judged,) = failed["failed"].assertions
    assert "rose by 181.8 %" in judged["message"]


def test_cancel_ends_a_step_whose_server_hangs(start: Start, redis: Any) -> None:
    redis.client_pause(90_000, all=False)  # of writes: all would keep the client from ending it
    try:
        execution = start(
            flow(step("stuck", "redis", {"operation": "set", "key": "k", "value": "v"}, timeoutMs=90_000))
        )
        assert wait_until(lambda: any(each["flags"] == "b" for each in redis.client_list()), within=30)
        cancel_execution(Execution.objects.get(pk=execution.pk))
        done = finish(execution)  # long before the server goes on
        assert done.statuses == {"stuck": "CANCELLED"}
    finally:
        redis.client_unpause()
