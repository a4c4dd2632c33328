"""Secrets through each step type, against the real systems: as they are sent, and in all that comes back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from redis import Redis

from executions.models import Execution
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.clients.redis.connection import RedisConnection
from steprunners.clients.redis.session import close_connections
from steprunners.registry import step_types
from tests.security.scene import Scene, declared, whole_run
from tests.security.secrets import CANARIES, Canary
from tests.security.spellings import SPELLINGS
from tests.servers.database_fixtures import Database
from tests.servers.monitoring_fixtures import push

NAMES = ("word", "quotes", "backslashes", "umlauts", "emoji", "jwt", "base64", "markup", "percent", "blanks")
COVERED_ELSEWHERE = {"http", "condition", "flow", "delay"}  # the other files of this folder


def known() -> list[Canary]:
    return [CANARIES[name] for name in NAMES]


def step(kind: str, name: str, meta: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    whole = {"resourceId": "system", **meta}
    return {"name": name, "stepType": kind, "meta": whole, "continueOnFailure": True, **envelope}


def each_with(makes: Callable[[str, str], Iterable[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the steps that it makes of each secret's name, and of a reference to it."""
    return [made for name in NAMES for made in makes(name, f"${{{name}}}")]


def run(scene: Scene, steps: list[dict[str, Any]]) -> Execution:
    """Run the steps, of which most end well; nothing may be seen."""
    done = scene.run(steps, declared=declared(*known()))
    well = [each for each in done.steps.all() if each.status == "SUCCESS"]
    assert len(well) > len(steps) / 10, whole_run(done)
    scene.nothing_leaks(*known())
    return done


def test_every_step_type_is_tried() -> None:
    tried = {"sql", "redis", "loki", "prometheus", "kafka_publish", "kafka_subscribe"}
    assert tried | COVERED_ELSEWHERE == {runner.type for runner in step_types()}


# --- SQL ------------------------------------------------------------------------------------------

_ENCODED = {
    "postgresql": "encode(convert_to(:x, 'UTF8'), 'base64') b, encode(convert_to(:x, 'UTF8'), 'hex') h",
    "mariadb": "to_base64(:x) b, hex(:x) h",
    "sqlite": "hex(:x) h",
}


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def sql(request: pytest.FixtureRequest, scene: Scene, settings: Any) -> str:
    database: Database = request.getfixturevalue(f"{request.param}_database")
    settings.SQLITE_FOLDER = str(request.getfixturevalue("sqlite_folder"))
    config = database.connection.model_dump(by_alias=True, exclude_none=True, mode="json")
    shown = {key: value for key, value in config.items() if value not in ("", None)}
    if "password" in shown:
        shown["password"] = str(database.connection.password)
    scene.resource("system", "sql", **shown)
    return str(request.param)


def test_sql(scene: Scene, sql: str) -> None:
    wrong = [{"field": "rows", "operator": "equals", "expectedValue": [{"x": "another"}]}]

    def of(name: str, value: str) -> Iterable[dict[str, Any]]:
        given = {"parameters": {"x": value}}
        yield step("sql", f"{name}_back", {"query": "select :x as x", **given}, assertions=wrong)
        yield step("sql", f"{name}_encoded", {"query": f"select {_ENCODED[sql]}", **given})
        yield step("sql", f"{name}_number", {"query": "select cast(:x as integer) x", **given})
        yield step("sql", f"{name}_nowhere", {"query": "select * from nowhere where x = :x", **given})
        yield step("sql", f"{name}_wrong", {"query": "select * from orders where id = :x and (", **given})
        yield step("sql", f"{name}_once", {"query": "select :x as x", "parameters": {"y": value}})

    run(scene, each_with(of))


# --- Redis ----------------------------------------------------------------------------------------


@pytest.fixture
def cache(scene: Scene, shop_cache: int) -> Iterator[RedisConnection]:
    scene.resource("system", "redis", host="127.0.0.1", port=shop_cache, database=4)
    yield RedisConnection(host="127.0.0.1", port=shop_cache, database=4)
    close_connections()


def test_redis(scene: Scene, cache: RedisConnection) -> None:
    def of(name: str, value: str) -> Iterable[dict[str, Any]]:
        def redis(operation: str, **meta: Any) -> dict[str, Any]:
            what = "_".join([name, operation, *(key for key in meta if key not in ("key", "value"))])
            return step("redis", what, {"operation": operation, **meta})

        key = f"of {name} {value}"
        yield redis("set", key=key, value=value)
        yield redis("get", key=key, expectedValue=f"not {value}")
        yield redis("hset", key=f"h{key}", field=value, value=f"x{value}y")
        yield redis("hgetall", key=f"h{key}")
        yield redis("rpush", key=f"l{key}", value=value)
        yield redis("lrange", key=f"l{key}", start=0, stop=-1)
        yield redis("incr", key=key)
        yield redis("lpop", key=key)
        yield redis("scan", key=f"*{name}*")
        yield redis("publish", key=value, value=value)

    run(scene, each_with(of))


# --- Kafka ----------------------------------------------------------------------------------------


@pytest.fixture
def topic(scene: Scene, kafka_cluster: KafkaConnection, make_topic: Callable[..., str]) -> str:
    scene.resource("system", "kafka", bootstrapServers=kafka_cluster.bootstrap_servers)
    return make_topic(1)


def test_kafka(scene: Scene, topic: str) -> None:
    def of(name: str, value: str) -> Iterable[dict[str, Any]]:
        sent = {"topic": topic, "message": {"a": value, "n": name}, "key": value, "headers": {"h": value}}
        yield step("kafka_publish", f"{name}_sent", sent)
        yield step("kafka_publish", f"{name}_text", {"topic": topic, "message": f"text {value}"})

        def heard(how: str, **meta: Any) -> dict[str, Any]:
            whole = {"topic": topic, "startFrom": "EARLIEST", **meta}
            return step("kafka_subscribe", f"{name}_{how}", whole, timeoutMs=4_000)

        yield heard("exact", searchPattern={"matchType": "exact", "pattern": f"text {value}"})
        found_in = {"matchType": "jsonpath", "pattern": f"$[?@.a == ${{{name}}}]"}
        yield heard("jsonpath", searchPattern=found_in)
        yield heard("key", key=value, headers={"h": value})

    done = run(scene, each_with(of))
    assert "ERROR" not in {each.status for each in done.steps.all()}, whole_run(done)


def test_near_misses(scene: Scene, topic: str, produce: Callable[..., None]) -> None:
    spellings = ("as_is", "json_ascii", "url", "base64_inside_at_1", "hex_in_small_letters")
    names = ("jwt", "quotes", "umlauts")
    steps = []
    for number, (spelling, name) in enumerate((each, name) for each in spellings for name in names):
        text = SPELLINGS[spelling](CANARIES[name].written)
        where, padded = topic if number == 0 else f"{topic}-{number}", "." * (1_000 - len(text) // 2) + text
        produce(where, padded.encode(), key=text)
        produce(where, {"padded": padded[9:], "number": number}, key=name)
        search = {"matchType": "exact", "pattern": f"${{{name}}} is not there"}
        meta = {
            "topic": where,
            "startFrom": "EARLIEST",
            "searchPattern": search,
            "key": f"another ${{{name}}}",
        }
        steps.append(step("kafka_subscribe", f"s{number}", meta, timeoutMs=1_500, runInBackground=True))
    done = scene.run(steps, declared=declared(*known()))
    assert all(each.response["nearMisses"] for each in done.steps.all()), whole_run(done)
    scene.nothing_leaks(*known())


# --- monitoring -----------------------------------------------------------------------------------


def test_loki(scene: Scene, loki_url: str) -> None:
    scene.resource("system", "loki", url=loki_url)
    now = time.time_ns()
    for number, name in enumerate(NAMES):
        secret = CANARIES[name].written
        lines = [secret, json.dumps({"password": secret}), SPELLINGS["base64_of_credentials"](secret)]
        labels = {"app": "canaries", "of": name, "value": secret}
        push(loki_url, [(now + 10 * number + at, labels, line) for at, line in enumerate(lines)])

    def of(name: str, value: str) -> Iterable[dict[str, Any]]:
        since = {"relativeTime": "1h"}
        yield step("loki", f"{name}_all", {"labels": {"app": "canaries", "of": name}, **since})
        yield step("loki", f"{name}_label", {"labels": {"app": "canaries", "value": value}, **since})
        patterns = {"containsPatterns": [value], "notContainsPatterns": [f"{value}2"]}
        yield step("loki", f"{name}_holding", {"labels": {"of": name}, **patterns, **since})
        yield step("loki", f"{name}_wrong", {"query": f'{{of="{value}"', **since})

    run(scene, each_with(of))


def test_prometheus(scene: Scene, prometheus_url: str) -> None:
    scene.resource("system", "prometheus", url=prometheus_url)

    def of(name: str, value: str) -> Iterable[dict[str, Any]]:
        window = {"duration1": {"relativeTime": "5m"}}
        back = f'label_replace(vector(1), "a", "{value}", "", "")'
        yield step("prometheus", f"{name}_back", {"query": back, **window})
        yield step("prometheus", f"{name}_none", {"query": f'up{{job="{value}"}}', **window})
        yield step("prometheus", f"{name}_wrong", {"query": f'up{{job="{value}"', **window})

    run(scene, each_with(of))


# --- the full product -----------------------------------------------------------------------------

WIDE = [each for each in CANARIES.values() if each.name != "long"]


def said_in(spelling: str) -> dict[str, str]:
    """Return every secret in this spelling, by name."""
    return {each.name: SPELLINGS[spelling](each.written) for each in WIDE}


def read_back(scene: Scene, steps: list[dict[str, Any]]) -> None:
    """Run steps that read what the systems hold in all spellings: each ends well, and nothing is seen."""
    done = scene.run(steps, declared=declared(*WIDE))
    assert {each.status for each in done.steps.all()} == {"SUCCESS"}, whole_run(done)
    scene.nothing_leaks(*WIDE)


@pytest.mark.soak
def test_each_spelling_out_of_sql(scene: Scene, sql: str, request: pytest.FixtureRequest) -> None:
    database: Database = request.getfixturevalue(f"{sql}_database")
    database.run(
        "drop table if exists said", "create table said (spelling varchar(99), secret varchar(9000))"
    )
    for spelling in SPELLINGS:
        for text in said_in(spelling).values():
            quoted = text.replace("\\", "\\\\") if sql == "mariadb" else text
            quoted = quoted.replace("'", "''")
            database.run(f"insert into said values ('{spelling}', '{quoted}')")  # noqa: S608 - our own
    query = "select secret, secret as again from said where spelling = :of"
    steps = [step("sql", name, {"query": query, "parameters": {"of": name}}) for name in SPELLINGS]
    read_back(scene, steps)


@pytest.mark.soak
def test_each_spelling_out_of_redis(scene: Scene, cache: RedisConnection) -> None:
    with Redis(cache.host, cache.port, cache.database) as client:
        for spelling in SPELLINGS:
            said = said_in(spelling)
            client.hset(f"said {spelling}", mapping={**said, **{text: name for name, text in said.items()}})
    steps = [
        step("redis", f"{name}_{operation}", {"operation": operation, "key": f"said {name}"})
        for name in SPELLINGS
        for operation in ("hgetall", "hkeys")
    ]
    read_back(scene, steps)


@pytest.mark.soak
def test_each_spelling_out_of_kafka(scene: Scene, topic: str, produce: Callable[..., None]) -> None:
    for spelling in SPELLINGS:
        for name, text in said_in(spelling).items():
            produce(topic, {"secret": text, text: name}, key=f"{spelling} {text}")
            produce(topic, text.encode(), key=text)
    meta: dict[str, Any] = {
        "topic": topic,
        "startFrom": "EARLIEST",
        "messageLimit": 2 * len(WIDE) * len(SPELLINGS),
    }
    none: dict[str, Any] = {"searchPattern": {"matchType": "exact", "pattern": "not there"}, "minMessages": 0}
    all_: dict[str, Any] = {"searchPattern": {"matchType": "regex", "pattern": ".", "matchAll": True}}
    steps = [
        step("kafka_subscribe", name, {**meta, **more}, timeoutMs=8_000)
        for name, more in {"none": none, "all": all_}.items()
    ]
    read_back(scene, steps)


@pytest.mark.soak
def test_each_spelling_out_of_loki(scene: Scene, loki_url: str) -> None:
    scene.resource("system", "loki", url=loki_url)
    now = time.time_ns()
    for spelling in SPELLINGS:
        lines = [(now + at, {"said": spelling}, text) for at, text in enumerate(said_in(spelling).values())]
        push(loki_url, lines)
    since = {"relativeTime": "1h"}
    read_back(scene, [step("loki", name, {"labels": {"said": name}, **since}) for name in SPELLINGS])
