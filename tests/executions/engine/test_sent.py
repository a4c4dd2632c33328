"""What a step sends, and that the stored request shows the same: through the engine, to a server that records."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from redis import Redis

from accounts.models import Team, User
from executions.models import Execution, ExecutionStep
from flows.documents.document import check_document
from flows.services import create_flow
from resources.services import save_resource
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.clients.redis.connection import RedisConnection
from steprunners.config import ConnectionConfig
from steprunners.kinds.loki import LokiConnection
from steprunners.network.http_pool import close_connections
from tests.executions.driving import begin, delay, drive, step_of
from tests.steprunners.target import Exchange, Target

pytestmark = pytest.mark.usefixtures("driven")

SECRET = "Cnry-5f0e2d-secret"
MASK = "••••••"


@pytest.fixture
def server() -> Iterator[Target]:
    with Target() as target:
        yield target
    close_connections()


def http(name: str, url: str, **meta: Any) -> dict[str, Any]:
    return {"name": name, "stepType": "http", "meta": {"url": url, "expectedStatus": 404, **meta}}


def variable(name: str, value: Any, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "defaultValue": value, **more}


def run(team: Team, *steps: dict[str, Any], declared: list[dict[str, Any]] | None = None) -> Execution:
    return drive(begin(team, steps, declared=declared or []))


def shown(execution: Execution, name: str) -> Any:
    step: ExecutionStep = step_of(execution, name)
    assert step.status == "SUCCESS", step.error
    return step.request


PAYLOAD: dict[str, Any] = {"b": 1, "a": [1.5, "ü", None, True], "n": {"x y": "/", "e": "\u2028"}, "t": "<&>"}


class TestOneFormOfJson:
    """What a function signs is what is sent, wherever the value stands."""

    @pytest.mark.parametrize("part", ["body", "header", "query", "form", "multipart", "text", "json"])
    def test_signed_and_sent_bytes_are_the_same(self, team: Team, server: Target, part: str) -> None:
        meta: dict[str, Any] = {"method": "POST", "headers": {"S": "${hmacSha256('k', p)}"}}
        parts: dict[str, dict[str, Any]] = {
            "body": {"body": "${p}"},
            "header": {"headers": {**meta["headers"], "P": "${p}"}},
            "query": {"query": {"p": "${p}"}},
            "form": {"form": {"p": "${p}"}},
            "multipart": {"multipart": {"p": "${p}"}},
            "text": {"body": "x${p}"},
            "json": {"body": "${json(p)}"},
        }
        meta |= parts[part]
        execution = run(team, http("send", server.url, **meta), declared=[variable("p", PAYLOAD, "json")])
        shown(execution, "send")
        (exchange,) = server.received
        sent = _sent(exchange, part)
        assert hmac.new(b"k", sent, hashlib.sha256).hexdigest() == exchange.headers["s"]
        assert json.loads(sent) == PAYLOAD


def _sent(exchange: Exchange, part: str) -> bytes:
    if part == "header":
        return exchange.headers["p"].encode("latin-1")
    if part == "query":
        return parse_qsl(exchange.path.partition("?")[2])[0][1].encode()
    if part == "form":
        return parse_qsl(exchange.body.decode())[0][1].encode()
    if part == "multipart":
        return exchange.body.split(b"\r\n\r\n")[1].rpartition(b"\r\n--")[0]
    return exchange.body.removeprefix(b"x")


class TestKeys:
    DECLARED = [
        variable("sku", "tea & milk"),
        variable("n", 2, "integer"),
        variable("pin", SECRET, secret=True),
    ]

    @pytest.mark.parametrize(
        ("meta", "sent"),
        [
            ({"body": {"${sku}": [{"k${n}": "${n}"}]}}, b'{"tea & milk":[{"k2":2}]}'),
            ({"form": {"${sku}": "${n}"}}, b"tea+%26+milk=2"),
            ({"body": {"$${sku}": 1}}, b'{"${sku}":1}'),
        ],
    )
    def test_in_bodies(self, team: Team, server: Target, meta: dict[str, Any], sent: bytes) -> None:
        run(team, http("send", server.url, method="POST", **meta), declared=self.DECLARED)
        assert server.received[0].body == sent

    def test_elsewhere(self, team: Team, server: Target) -> None:
        meta = {"query": {"${sku}": 1}, "headers": {"X-${n}": "a"}, "multipart": {"p${n}": "v"}}
        run(team, http("send", server.url, method="POST", **meta), declared=self.DECLARED)
        (exchange,) = server.received
        assert exchange.path == "/?tea%20%26%20milk=1"
        assert exchange.headers["x-2"] == "a"
        assert b'name="p2"' in exchange.body

    def test_for_each_item(self, team: Team, server: Target) -> None:
        step = {
            **http("send", server.url, method="POST", body={"${item}": "${index}"}),
            "forEach": ["a", "b"],
        }
        run(team, step)
        assert [each.body for each in server.received] == [b'{"a":0}', b'{"b":1}']

    def test_a_secret_key_is_masked(self, team: Team, server: Target) -> None:
        execution = run(
            team,
            http("send", server.url, method="POST", body={"${pin}": {"x${pin}": 1}}),
            declared=self.DECLARED,
        )
        assert json.loads(server.received[0].body) == {SECRET: {f"x{SECRET}": 1}}
        assert shown(execution, "send")["body"] == {MASK: {f"x{MASK}": 1}}

    @pytest.mark.parametrize(
        "meta",
        [
            {"body": {"${sku}": 1, "tea & milk": 2}},
            {"query": {"2": 1, "${n}": 2}},
            {"headers": {"x-2": "a", "X-${n}": "b"}},
        ],
    )
    def test_two_keys_that_become_the_same(self, team: Team, server: Target, meta: dict[str, Any]) -> None:
        execution = run(team, http("send", server.url, **meta), declared=self.DECLARED)
        step = step_of(execution, "send")
        assert step.status == "ERROR"
        assert step.error is not None
        assert step.error["message"].startswith(f"meta.{next(iter(meta))}")
        assert server.received == []


class TestKeysOfOtherSystems:
    DECLARED = (
        variable("name", "status"),
        variable("n", 7, "integer"),
        variable("p", {"b": [1.5, "ü"], "a": None}, "json"),
    )

    def test_redis(self, team: Team, alice: User, redis_connection: RedisConnection) -> None:
        resource(team, alice, "cache", "redis", redis_connection)
        meta = {
            "resourceId": "cache",
            "operation": "hset",
            "key": "k",
            "fields": {"${name}": "${p}", "f${n}": 1},
        }
        run(team, {"name": "put", "stepType": "redis", "meta": meta}, declared=[*self.DECLARED])
        with Redis(redis_connection.host, redis_connection.port, redis_connection.database) as client:
            assert client.hgetall("k") == {b"status": '{"b":[1.5,"ü"],"a":null}'.encode(), b"f7": b"1"}

    def test_kafka(
        self, team: Team, alice: User, kafka_cluster: KafkaConnection, make_topic: Callable[..., str]
    ) -> None:
        resource(team, alice, "kafka", "kafka", kafka_cluster)
        common = {"resourceId": "kafka", "topic": make_topic(1)}
        message = {"headers": {"${name}": "a", "h${n}": "${p}"}, "message": {"${name}": {"${n}": "${p}"}}}
        execution = run(
            team,
            {"name": "send", "stepType": "kafka_publish", "meta": {**common, **message}},
            {"name": "read", "stepType": "kafka_subscribe", "meta": {**common, "headers": {"${name}": "a"}}},
            declared=[*self.DECLARED],
        )
        read = step_of(execution, "read")
        assert read.status == "SUCCESS", read.error
        (found,) = read.response["messages"]
        assert found["headers"] == {"status": "a", "h7": '{"b":[1.5,"ü"],"a":null}'}
        assert found["value"] == {"status": {"7": {"b": [1.5, "ü"], "a": None}}}

    def test_loki(self, team: Team, alice: User, loki_connection: LokiConnection) -> None:
        resource(team, alice, "logs", "loki", loki_connection)
        meta = {"resourceId": "logs", "labels": {"${app}": "shop", "level": "info"}, "relativeTime": "15m"}
        step = {"name": "lines", "stepType": "loki", "meta": meta}
        execution = run(team, step, declared=[variable("app", "app")])
        assert step_of(execution, "lines").response["query"] == '{app="shop", level="info"}'

    @pytest.mark.parametrize("label", ["not a label", 'a="b"} or {c', "1a", ""])
    def test_a_label_is_a_name(
        self, team: Team, alice: User, loki_connection: LokiConnection, label: str
    ) -> None:
        resource(team, alice, "logs", "loki", loki_connection)
        meta = {"resourceId": "logs", "labels": {"${app}": "shop"}, "relativeTime": "15m"}
        step = {"name": "lines", "stepType": "loki", "meta": meta}
        found = step_of(run(team, step, declared=[variable("app", label)]), "lines")
        assert (found.status, found.error and found.error["code"]) == ("ERROR", "bad_config")

    def test_variables_of_a_child(self, team: Team) -> None:
        child = check_document({"name": "Child", "variables": [{"name": "status"}], "steps": [delay("only")]})
        flow = create_flow(team=team, user=None, document=child)
        meta = {"flowId": str(flow.pk), "variables": {"${name}": "x${n}"}}
        run(team, {"name": "call", "stepType": "flow", "meta": meta}, declared=[*self.DECLARED])
        (given,) = Execution.objects.get(flow=flow).variables
        assert (given["name"], given["value"]) == ("status", "x7")


def resource(team: Team, user: User, name: str, kind: str, connection: ConnectionConfig) -> None:
    config = connection.model_dump(by_alias=True, exclude_unset=True)
    save_resource(team=team, user=user, name=name, type=kind, config=config)


class TestShownRequest:
    @pytest.mark.parametrize(
        ("written", "sent"),
        [
            ("/a/../b?d=50%&n=J%C3%BC", "/b?d=50%25&n=J%C3%BC"),
            ("/a b/ü#there", "/a%20b/%C3%BC"),
            ("", "/"),
        ],
    )
    def test_the_url(self, team: Team, server: Target, written: str, sent: str) -> None:
        execution = run(team, http("send", server.url + written))
        assert server.received[0].path == sent
        assert shown(execution, "send")["url"] == server.url + sent

    def test_the_query_stands_beside_it(self, team: Team, server: Target) -> None:
        execution = run(team, http("send", server.url + "/x/./y?a=1", query={"f": "a b", "no": None}))
        assert server.received[0].path == "/x/y?a=1&f=a%20b"
        request = shown(execution, "send")
        assert (request["url"], request["query"]) == (server.url + "/x/y?a=1", {"f": "a b", "no": None})

    def test_of_a_resource(self, team: Team, alice: User, server: Target) -> None:
        headers = {"X-Api-Key": SECRET, "X-Team": "shop", "X-Gone": "1", "Content-Type": "application/json"}
        config = {"baseUrl": server.url + "/v1/../v2/", "headers": headers}
        save_resource(user=alice, team=team, name="shop", type="http", config=config)
        execution = run(
            team,
            http("send", "orders?x=50%", resourceId="shop", headers={"x-gone": None, "A": "b"}),
            http("form", "/", resourceId="shop", method="POST", form={"a": 1}),
        )
        first, second = server.received
        assert (first.path, first.headers["x-api-key"], second.headers["content-type"]) == (
            "/v2/orders?x=50%25", SECRET, "application/x-www-form-urlencoded",
        )  # fmt: skip
        request = shown(execution, "send")
        assert request["url"] == server.url + "/v2/orders?x=50%25"
        assert request["headers"] == {
            "X-Api-Key": MASK, "X-Team": "shop", "Content-Type": "application/json", "x-gone": None, "A": "b",
        }  # fmt: skip
        assert shown(execution, "form")["headers"] == {"X-Api-Key": MASK, "X-Team": "shop", "X-Gone": "1"}

    @pytest.mark.parametrize("secret", [SECRET, "pin 4", "ü/%", "4"])
    def test_secrets_stay_masked(self, team: Team, server: Target, secret: str) -> None:
        url = server.url + "/a/../${pin}/b%?p=${pin}&q=%"
        declared = [variable("pin", secret, secret=True)]
        request = shown(run(team, http("send", url, query={"k": "${pin}"}), declared=declared), "send")
        assert request["url"] == f"{server.url}/{MASK}/b%25?p={MASK}&q=%25"
        assert request["query"] == {"k": MASK}

    def test_a_secret_server_stays_masked(self, team: Team, server: Target) -> None:
        declared = [variable("whole", server.url, secret=True)]
        execution = run(team, http("send", "${whole}/a/../b"), declared=declared)
        assert (server.received[0].path, shown(execution, "send")["url"]) == ("/b", f"{MASK}/a/../b")

    def test_of_a_step_that_failed_to_connect(self, team: Team) -> None:
        execution = run(team, http("send", "http://☃.invalid:81/a/../b%"))
        step = step_of(execution, "send")
        assert (step.status, step.error and step.error["code"]) == ("ERROR", "connection_failed")
        assert step.request["url"] == "http://xn--n3h.invalid:81/b%25"
