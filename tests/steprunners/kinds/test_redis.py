"""The redis step against a real Valkey (plain, TLS, ACL) and wrong servers."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import trustme
from pydantic import ValidationError
from redis import Redis

from steprunners.assertions.evaluation import evaluate_all
from steprunners.clients.redis import session as sessions
from steprunners.clients.redis.connection import RedisConnection
from steprunners.deadline import Deadline
from steprunners.errors import (
    AddressRefused,
    BadConfig,
    Cancelled,
    ConnectionFailed,
    DeadlineExceeded,
    Refused,
    StepError,
)
from steprunners.kinds.redis import RedisConfig, RedisRunner
from steprunners.network import NetworkPolicy
from steprunners.runner import Finished
from tests.servers.valkey_fixtures import GuardedValkey
from tests.steprunners.conftest import LOOPBACK, MakeContext

RUNNER = RedisRunner()
Ask = Callable[..., dict[str, Any]]


def config(operation: str, **meta: Any) -> RedisConfig:
    return RedisConfig.model_validate({"resourceId": "r", "operation": operation, **meta})


def run(
    make_context: MakeContext, connection: RedisConnection, operation: str, **meta: Any
) -> dict[str, Any]:
    outcome = RUNNER.run(config(operation, **meta), make_context(connection=connection))
    assert isinstance(outcome, Finished)
    json.dumps(outcome.result, allow_nan=False)
    return outcome.result


@pytest.fixture
def ask(make_context: MakeContext, redis_connection: RedisConnection) -> Ask:
    """Run an operation on the test's own database."""
    return lambda operation, **meta: run(make_context, redis_connection, operation, **meta)


@pytest.fixture
def client(redis_connection: RedisConnection) -> Any:
    """An independent client of the same database."""
    with Redis(redis_connection.host, redis_connection.port, redis_connection.database) as own:
        yield own


def shown(result: dict[str, Any]) -> dict[str, Any]:
    return {name: result[name] for name in ("value", "values", "exists", "count") if result[name] is not None}


class TestOperations:
    def test_get_and_set(self, ask: Ask, client: Any) -> None:
        assert shown(ask("get", key="k")) == {"exists": False}
        assert shown(ask("SET", key="k", value="tea")) == {"value": "OK", "exists": True}
        assert shown(ask("get", key="k")) == {"value": "tea", "exists": True}
        ask("set", key="k", value=5, ttl=100)
        assert client.get("k") == b"5"
        assert 98 <= client.ttl("k") <= 100

    def test_del_and_exists(self, ask: Ask, client: Any) -> None:
        client.set("k", 1)
        assert shown(ask("exists", key="k")) == {"exists": True, "count": 1}
        assert shown(ask("del", key="k")) == {"exists": True, "count": 1}
        assert shown(ask("del", key="k")) == {"exists": False, "count": 0}
        assert shown(ask("exists", key="k")) == {"exists": False, "count": 0}

    def test_expire_and_ttl(self, ask: Ask, client: Any) -> None:
        assert shown(ask("expire", key="k", ttl=9)) == {"value": False, "exists": False}
        assert shown(ask("ttl", key="k")) == {"value": -2, "exists": False}
        client.set("k", 1)
        assert shown(ask("ttl", key="k")) == {"value": -1, "exists": True}
        assert shown(ask("expire", key="k", ttl=900)) == {"value": True, "exists": True}
        assert 890 <= ask("ttl", key="k")["value"] <= 900

    def test_incr(self, ask: Ask) -> None:
        assert shown(ask("incr", key="n")) == {"value": 1, "exists": True}
        assert shown(ask("incr", key="n", value=-11)) == {"value": -10, "exists": True}

    def test_hash(self, ask: Ask) -> None:
        assert shown(ask("hset", key="h", field="a", value=1)) == {"exists": True, "count": 1}
        assert shown(ask("hset", key="h", fields={"a": 2, "b": {"x": 1}})) == {"exists": True, "count": 1}
        assert shown(ask("hset", key="h", value={"c": "d"})) == {"exists": True, "count": 1}
        assert shown(ask("hget", key="h", field="a")) == {"value": "2", "exists": True}
        assert shown(ask("hget", key="h", field="z")) == {"exists": False}
        everything = {"values": {"a": "2", "b": '{"x":1}', "c": "d"}, "exists": True, "count": 3}
        assert shown(ask("hgetall", key="h")) == everything
        assert shown(ask("hkeys", key="h")) == {"values": ["a", "b", "c"], "exists": True, "count": 3}
        assert shown(ask("hdel", key="h", field="a")) == {"exists": True, "count": 1}
        assert shown(ask("hdel", key="h", fields=["b", "c", "z"])) == {"exists": True, "count": 2}
        assert shown(ask("hgetall", key="h")) == {"values": {}, "exists": False, "count": 0}

    def test_list(self, ask: Ask) -> None:
        assert shown(ask("rpush", key="l", value=["b", "c"])) == {"exists": True, "count": 2}
        assert shown(ask("lpush", key="l", value="a")) == {"exists": True, "count": 3}
        assert shown(ask("llen", key="l")) == {"value": 3, "exists": True, "count": 3}
        assert shown(ask("lrange", key="l")) == {"values": ["a", "b", "c"], "exists": True, "count": 3}
        assert ask("lrange", key="l", start="1", stop=1)["values"] == ["b"]
        assert shown(ask("lpop", key="l")) == {"value": "a", "exists": True}
        assert shown(ask("rpop", key="l")) == {"value": "c", "exists": True}
        ask("rpop", key="l")
        assert shown(ask("rpop", key="l")) == {"exists": False}

    def test_set_of_members(self, ask: Ask) -> None:
        assert shown(ask("sadd", key="s", value=["b", "a", 3])) == {"exists": True, "count": 3}
        assert shown(ask("smembers", key="s")) == {"values": ["3", "a", "b"], "exists": True, "count": 3}
        assert shown(ask("sismember", key="s", value="a")) == {"value": True, "exists": True}
        assert shown(ask("srem", key="s", value="a")) == {"exists": True, "count": 1}
        assert shown(ask("sismember", key="s", value="a")) == {"value": False, "exists": False}

    def test_sorted_set(self, ask: Ask) -> None:
        assert shown(ask("zadd", key="z", fields={"b": 2, "a": 1.5, "c": "+inf"})) == {
            "exists": True,
            "count": 3,
        }
        assert ask("zrange", key="z")["values"] == ["a", "b", "c"]
        assert ask("zrange", key="z", start=-1)["values"] == ["c"]
        assert [ask("zscore", key="z", value=each)["value"] for each in "abc"] == [1.5, 2, "inf"]
        assert shown(ask("zscore", key="z", value="x")) == {"exists": False}

    def test_stream(self, ask: Ask) -> None:
        first = ask("xadd", key="x", fields={"a": 1})["value"]
        second = ask("xadd", key="x", value={"a": 2, "b": "c"})["value"]
        entries = [{"id": first, "fields": {"a": "1"}}, {"id": second, "fields": {"a": "2", "b": "c"}}]
        assert shown(ask("xrange", key="x")) == {"values": entries, "exists": True, "count": 2}
        assert ask("xrange", key="x", start=second)["values"] == entries[1:]
        assert ask("xrange", key="x", start="-", stop=first)["values"] == entries[:1]

    def test_publish(self, ask: Ask, client: Any) -> None:
        assert shown(ask("publish", key="news", value="x")) == {"count": 0}
        with client.pubsub() as channel:
            channel.subscribe("news")
            assert channel.get_message(timeout=5)["type"] == "subscribe"
            assert shown(ask("publish", key="news", value={"id": 1})) == {"count": 1}
            assert channel.get_message(timeout=5)["data"] == b'{"id":1}'

    @pytest.mark.parametrize(("key", "kind"), [("order:42", "hash"), ("nothing", "none")])
    def test_type(self, ask: Ask, key: str, kind: str) -> None:
        assert shown(ask("type", key=key)) == {"value": kind, "exists": kind != "none"}

    def test_scan(self, ask: Ask, client: Any) -> None:
        client.mset({f"item:{number:04}": 1 for number in range(2_500)})
        result = ask("scan", key="item:*")
        assert result["values"] == [f"item:{number:04}" for number in range(2_500)]
        assert result["valuesTruncated"] is False
        assert ask("scan")["count"] == 2_501
        assert shown(ask("scan", key="none:*")) == {"values": [], "exists": False, "count": 0}

    def test_scan_stops_at_ten_thousand(self, ask: Ask, client: Any) -> None:
        client.mset({f"item:{number}": 1 for number in range(12_000)})
        result = ask("scan", key="item:*")
        assert (result["count"], result["valuesTruncated"]) == (10_000, True)


class TestValues:
    def test_bytes_that_are_no_text(self, ask: Ask, client: Any) -> None:
        ask("set", key="k", value={"base64": "gP8A"})
        assert client.get("k") == b"\x80\xff\x00"
        result = ask("get", key="k")
        assert (result["value"], result["valueEncoding"]) == ("gP8A", "base64")
        client.rpush("l", b"tea", b"\xff")
        assert ask("lrange", key="l")["values"] == ["tea", {"base64": "/w=="}]
        client.hset("h", b"\xfe", b"\xff")
        assert ask("hgetall", key="h")["values"] == {"base64:/g==": {"base64": "/w=="}}

    def test_nul_is_not_text(self, ask: Ask, client: Any) -> None:
        client.set("k", b"\0\1")
        client.sadd("s", b"a\0")
        result = ask("get", key="k")
        assert (result["value"], result["valueEncoding"], result["json"]) == ("AAE=", "base64", None)
        assert ask("smembers", key="s")["values"] == [{"base64": "YQA="}]

    def test_keys_and_fields_that_are_no_text(self, ask: Ask, client: Any) -> None:
        key, field = {"base64": "rO0="}, {"base64": "AA=="}
        client.set(b"\xac\xed", b"java")
        result = ask("get", key=key)
        assert (result["key"], result["value"]) == (key, "java")
        assert ask("scan", key={"base64": "rO0="})["values"] == [key]
        assert ask("del", key=ask("scan", key={"base64": "rCo="})["values"][0])["count"] == 1
        ask("hset", key=key, field=field, value=field)
        assert client.hgetall(b"\xac\xed") == {b"\0": b"\0"}
        assert ask("hget", key=key, field=field)["value"] == "AA=="
        assert ask("hdel", key=key, field=field)["count"] == 1
        assert ask("publish", key=key, value=field)["count"] == 0

    def test_what_was_read_goes_back_in(self, ask: Ask, client: Any) -> None:
        members = [b"\xac\xed", b"a\0", b"base64:AA==", b"base64:", b"tea", b""]
        client.set("k", b"\0\xff")
        ask("set", key="k2", value={"base64": ask("get", key="k")["value"]})
        assert client.get("k2") == b"\0\xff"
        client.hset("h", mapping=dict.fromkeys(members, b"\xff"))
        ask("hset", key="h2", fields=ask("hgetall", key="h")["values"])
        assert client.hgetall("h2") == client.hgetall("h")
        for source, add, read in (("l", "rpush", "lrange"), ("s", "sadd", "smembers")):
            getattr(client, add)(source, *members)
            values = ask(read, key=source)["values"]
            ask(add, key=f"{source}2", value=values)
            assert ask(read, key=f"{source}2")["values"] == values
        assert ask("srem", key="s2", value=ask("smembers", key="s")["values"])["count"] == len(members)
        client.zadd("z", dict.fromkeys(members, 1.5))
        ranked = ask("zrange", key="z")["values"]
        assert [ask("zscore", key="z", value=each)["value"] for each in ranked] == [1.5] * len(members)
        ask("zadd", key="z2", fields={"base64:rO0=": 2, "tea": 1})
        assert client.zrange("z2", 0, -1) == [b"tea", b"\xac\xed"]
        client.xadd("x", dict.fromkeys(members, b"\0"))
        ask("xadd", key="x2", fields=ask("xrange", key="x")["values"][0]["fields"])
        assert client.xrange("x2")[0][1] == client.xrange("x")[0][1]
        assert ask("hdel", key="h2", fields=ask("hkeys", key="h")["values"])["count"] == len(members)
        assert ask("hdel", key="h", fields=ask("hgetall", key="h")["values"])["count"] == len(members)

    def test_json_is_parsed_beside_the_text(self, ask: Ask, client: Any) -> None:
        client.set("k", '{"status": "PAID", "lines": [1]}')
        result = ask("get", key="k")
        assert result["value"] == '{"status": "PAID", "lines": [1]}'
        assert result["json"] == {"status": "PAID", "lines": [1]}

    @pytest.mark.parametrize("text", ["", "a\r\nb", "ü😀", "*3\r\n$3\r\nSET", "'\"\\"])
    def test_any_text_comes_back(self, ask: Ask, text: str) -> None:
        ask("set", key=f"k{text}", value=text)
        assert ask("get", key=f"k{text}")["value"] == text

    def test_a_value_of_a_megabyte(self, ask: Ask) -> None:
        ask("set", key="k", value="x" * 1_000_000)
        assert len(ask("get", key="k")["value"]) == 1_000_000


class TestExpectations:
    @pytest.mark.parametrize(
        ("meta", "passes"),
        [
            ({"operation": "get", "key": "n", "expectedValue": 5}, True),
            ({"operation": "get", "key": "n", "expectedValue": "5"}, True),
            ({"operation": "get", "key": "n", "expectedValue": 6}, False),
            ({"operation": "get", "key": "flag", "expectedValue": True}, True),
            ({"operation": "get", "key": "doc", "expectedValue": {"a": [1, 2]}}, True),
            ({"operation": "get", "key": "doc", "expectedValue": {"a": [1]}}, False),
            ({"operation": "get", "key": "bin", "expectedValue": {"base64": "gA=="}}, True),
            ({"operation": "get", "key": "bin", "expectedValue": "gA=="}, True),
            ({"operation": "get", "key": "bin", "expectedValue": {"base64": "gQ=="}}, False),
            ({"operation": "get", "key": "n", "expectedValue": {"base64": "NQ=="}}, True),
            (
                {"operation": "hgetall", "key": "h", "expectedValue": {"base64:rO0=": {"base64": "AAE="}}},
                True,
            ),
            ({"operation": "hkeys", "key": "h", "expectedValue": [{"base64": "rO0="}]}, True),
            (
                {
                    "operation": "hget",
                    "key": "h",
                    "field": {"base64": "rO0="},
                    "expectedValue": {"base64": "AAE="},
                },
                True,
            ),
            ({"operation": "get", "key": "gone", "expectedValue": "x"}, False),
            ({"operation": "get", "key": "gone", "expectedExists": False}, True),
            ({"operation": "get", "key": "n", "expectedExists": False}, False),
            (
                {
                    "operation": "hgetall",
                    "key": "order:42",
                    "expectedValue": {"status": "FULFILLED", "quantity": 2},
                },
                True,
            ),
            ({"operation": "hgetall", "key": "order:42", "expectedValue": {"status": "FULFILLED"}}, False),
            ({"operation": "exists", "key": "n", "expectedValue": 1}, True),
            ({"operation": "incr", "key": "n", "expectedValue": 6}, True),
            ({"operation": "incr", "key": "n", "expectedValue": "6"}, True),
            ({"operation": "lrange", "key": "l", "expectedValue": [1, "b"]}, True),
            ({"operation": "ttl", "key": "n", "expectedValue": -1}, True),
        ],
    )
    def test_they_are_implied_assertions(
        self, ask: Ask, client: Any, meta: dict[str, Any], passes: bool
    ) -> None:
        client.mset({"n": 5, "flag": "true", "doc": '{"a": [1, 2]}', "bin": b"\x80"})
        client.rpush("l", 1, "b")
        client.hset("h", b"\xac\xed", b"\0\1")
        judged = evaluate_all(RUNNER.expectations(config(**meta), frozenset()), ask(**meta))
        assert judged
        assert all(each.passed for each in judged) == passes

    def test_without_them_nothing_is_implied(self) -> None:
        assert RUNNER.expectations(config("get", key="k"), frozenset()) == []


class TestMeta:
    @pytest.mark.parametrize(
        ("meta", "told"),
        [
            ({"operation": "get"}, "get needs key"),
            ({"operation": "set", "key": "k"}, "set needs value"),
            ({"operation": "expire", "key": "k"}, "expire needs ttl"),
            ({"operation": "hget", "key": "k"}, "hget needs field"),
            ({"operation": "hset", "key": "k", "field": "f"}, "hset needs value or fields"),
            (
                {"operation": "hset", "key": "k", "fields": {"a": 1}, "value": 1},
                "either fields or value, not both",
            ),
            (
                {"operation": "hdel", "key": "k", "fields": ["a"], "field": "b"},
                "either fields or field, not both",
            ),
            ({"operation": "get", "key": "k", "value": "x"}, "get takes no value"),
            ({"operation": "get", "key": "k", "start": 0, "ttl": 5}, "get takes no start and no ttl"),
            ({"operation": "flushall"}, "operation"),
            ({"operation": "expire", "key": "k", "ttl": 0}, "greater than or equal to 1"),
            ({"operation": "get", "key": ""}, "must not be empty"),
            ({"operation": "get", "key": {"base64": "§"}}, "not valid base64"),
            ({"operation": "hget", "key": "k", "field": {"base64": "abc"}}, "not valid base64"),
            ({"operation": "set", "key": "k", "value": {"base64": 5}}, "text in base64"),
            ({"operation": "get", "key": "k", "expectedValue": {"base64": "§"}}, "not valid base64"),
            ({"operation": "hgetall", "key": "k", "expectedValue": {"base64:§": 1}}, "not valid base64"),
            ({"operation": "lrange", "key": "k", "expectedValue": [{"base64": "§"}]}, "not valid base64"),
        ],
    )
    def test_it_is_checked(self, meta: dict[str, Any], told: str) -> None:
        with pytest.raises(ValidationError) as caught:
            config(**meta)
        assert told in str(caught.value)

    @pytest.mark.parametrize(
        "meta",
        [
            {"operation": "hset", "key": "k", "value": "x"},
            {"operation": "zadd", "key": "k", "fields": ["a"]},
            {"operation": "xadd", "key": "k", "fields": {}},
            {"operation": "rpush", "key": "k", "value": []},
            {"operation": "sadd", "key": "k", "value": ["a", None]},
            {"operation": "lrange", "key": "k", "start": "first"},
            {"operation": "hdel", "key": "k", "fields": []},
            {"operation": "set", "key": "k", "value": {"base64": "${bytes}"}},
            {"operation": "hset", "key": "k", "fields": {"base64:§": 1}},
            {"operation": "hdel", "key": "k", "fields": {"base64:§": 1}},
            {"operation": "sadd", "key": "k", "value": ["a", {"base64": "§"}]},
        ],
    )
    def test_what_only_the_values_tell_is_checked_before_it_is_sent(
        self, ask: Ask, meta: dict[str, Any]
    ) -> None:
        with pytest.raises(BadConfig, match=r"^meta\."):
            ask(**meta)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"host": "redis://x"},
            {"host": ""},
            {"host": "a@b"},
            {"port": 0},
            {"database": -1},
            {"username": "u"},
            {"url": "x"},
        ],
    )
    def test_the_connection_is_checked(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            RedisConnection.model_validate({"host": "127.0.0.1", **wrong})

    def test_secrets_are_secret(self) -> None:
        assert RedisConnection.secret_fields() == {"password", "clientKey"}


class TestRefusals:
    def test_a_key_of_another_type(self, ask: Ask) -> None:
        with pytest.raises(Refused, match="refuses the command: WRONGTYPE"):
            ask("get", key="order:42")
        assert ask("hget", key="order:42", field="status")["value"] == "FULFILLED"

    @pytest.mark.parametrize(
        ("meta", "told"),
        [
            ({"operation": "zadd", "key": "z", "fields": {"a": "much"}}, "not a valid float"),
            ({"operation": "xrange", "key": "x", "start": "soon"}, "Invalid stream ID"),
        ],
    )
    def test_what_the_server_cannot_read(self, ask: Ask, meta: dict[str, Any], told: str) -> None:
        with pytest.raises(Refused, match=told):
            ask(**meta)

    def test_incrementing_text(self, ask: Ask) -> None:
        ask("set", key="t", value="x")
        with pytest.raises(Refused, match="not an integer"):
            ask("incr", key="t")

    def test_no_such_database(self, make_context: MakeContext, shop_cache: int) -> None:
        connection = RedisConnection(host="127.0.0.1", port=shop_cache, database=999)
        with pytest.raises(Refused, match="no such database"):
            run(make_context, connection, "get", key="k")


class TestTlsAndAcl:
    def test_a_user_with_its_password(self, make_context: MakeContext, guarded_valkey: GuardedValkey) -> None:
        connection = guarded_valkey.connection(database=2)
        run(make_context, connection, "set", key="k", value="secret tea")
        assert run(make_context, connection, "get", key="k")["value"] == "secret tea"
        assert run(make_context, guarded_valkey.connection(), "get", key="k")["exists"] is False

    def test_a_wrong_password_is_not_repeated(
        self, make_context: MakeContext, guarded_valkey: GuardedValkey
    ) -> None:
        with pytest.raises(Refused, match=r"refuses the login") as caught:
            run(make_context, guarded_valkey.connection(password="wrong-one"), "get", key="k")
        assert "wrong-one" not in caught.value.message

    def test_no_password(self, make_context: MakeContext, guarded_valkey: GuardedValkey) -> None:
        connection = guarded_valkey.connection(username=None, password=None)
        with pytest.raises(Refused, match="Authentication required"):
            run(make_context, connection, "get", key="k")

    def test_what_the_user_may_not_do(self, make_context: MakeContext, guarded_valkey: GuardedValkey) -> None:
        reader = guarded_valkey.connection("reader")
        assert run(make_context, reader, "get", key="shop:1")["exists"] is False
        for meta in (
            {"operation": "set", "key": "shop:1", "value": 1},
            {"operation": "get", "key": "bank:1"},
        ):
            with pytest.raises(Refused, match="may not do this: NOPERM"):
                run(make_context, reader, **meta)

    def test_an_unknown_authority(self, make_context: MakeContext, guarded_valkey: GuardedValkey) -> None:
        with pytest.raises(ConnectionFailed, match="certificate is not trusted"):
            run(make_context, guarded_valkey.connection(caCertificate=None), "get", key="k")
        unverified = guarded_valkey.connection(caCertificate=None, verifyTls=False)
        assert run(make_context, unverified, "get", key="k")["exists"] is False

    def test_a_client_certificate(self, make_context: MakeContext, guarded_valkey: GuardedValkey) -> None:
        mine = guarded_valkey.authority.issue_cert("client")
        strangers = trustme.CA().issue_cert("client")

        def connection(certificate: trustme.LeafCert) -> RedisConnection:
            return guarded_valkey.connection(
                clientCertificate="".join(blob.bytes().decode() for blob in certificate.cert_chain_pems),
                clientKey=certificate.private_key_pem.bytes().decode(),
            )

        assert run(make_context, connection(mine), "get", key="k")["exists"] is False
        with pytest.raises(ConnectionFailed):
            run(make_context, connection(strangers), "get", key="k")

    def test_tls_to_a_plain_server_and_the_other_way_round(
        self, make_context: MakeContext, guarded_valkey: GuardedValkey, shop_cache: int
    ) -> None:
        with pytest.raises(StepError, match="tls"):
            run(make_context, guarded_valkey.connection(tls=False), "get", key="k")
        connection = RedisConnection(host="127.0.0.1", port=shop_cache, tls=True)
        with pytest.raises(DeadlineExceeded, match="does the server speak TLS"):
            RUNNER.run(config("get", key="k"), make_context(0.5, connection=connection))


class TestCheck:
    def test_it_really_connects(self, guarded_valkey: GuardedValkey) -> None:
        told = RedisRunner().check(guarded_valkey.connection(), LOOPBACK, Deadline(5))
        assert told == f"connected to 127.0.0.1:{guarded_valkey.port} as tester, database 0"
        assert RedisRunner().check(
            guarded_valkey.connection("reader"), LOOPBACK, Deadline(5)
        )  # may not even PING

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"password": "wrong-one"}, "refuses the login"), ({"database": 999}, "no such database"),
            ({"caCertificate": None}, "not trusted"), ({"host": "nowhere.invalid"}, "cannot be resolved"),
        ],
    )  # fmt: skip
    def test_what_is_wrong(self, guarded_valkey: GuardedValkey, change: dict[str, Any], told: str) -> None:
        with pytest.raises(StepError, match=told):
            RedisRunner().check(guarded_valkey.connection(**change), LOOPBACK, Deadline(5))


# --- connections ----------------------------------------------------------------------------------


class Wrong:
    """A TCP server that says what the test wants, once somebody speaks to it."""

    def __init__(self, says: bytes | None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._says = says
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                connection.recv(1_000)
                if self._says is not None:
                    connection.sendall(self._says)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(1_000):
                        pass

    def close(self) -> None:
        self._listener.close()

    def connection(self) -> RedisConnection:
        return RedisConnection(host="127.0.0.1", port=self.port)


class TestConnections:
    def test_one_is_used_again_and_a_changed_resource_gets_its_own(
        self, make_context: MakeContext, redis_connection: RedisConnection, client: Any
    ) -> None:
        def connected() -> set[str]:
            return {
                each["id"]
                for each in client.client_list()
                if each["db"] in ("3", "4") and each["lib-name"] == ""
            }

        before = connected()
        for _ in range(3):
            run(make_context, redis_connection, "get", key="k")
        assert len(connected() - before) == 1
        run(make_context, redis_connection.model_copy(update={"database": 4}), "get", key="k")
        assert len(connected() - before) == 2
        sessions.close_connections()

    def test_one_that_the_server_closed_is_not_used_again(
        self, make_context: MakeContext, redis_connection: RedisConnection, client: Any
    ) -> None:
        run(make_context, redis_connection, "set", key="k", value=1)
        client.client_kill_filter(_type="normal", skipme=True)
        assert run(make_context, redis_connection, "incr", key="k")["value"] == 2

    def test_nothing_listens(self, make_context: MakeContext) -> None:
        server = Wrong(None)
        server.close()
        time.sleep(0.05)
        with pytest.raises(StepError, match="connection"):
            run(make_context, server.connection(), "get", key="k")

    @pytest.mark.parametrize(
        ("says", "code"),
        [
            (None, "connection_failed"),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "bad_response"),
            (b"*" + b"1\r\n*" * 5_000 + b"0\r\n", "bad_response"),
            (b"$many\r\n", "bad_response"),
            (b"$10\r\nshort", "connection_failed"),
            (b"*4000000000\r\n:1\r\n", "connection_failed"),  # room for so many would be 32 GB
            (b"-MOVED 866 10.0.0.7:6379\r\n", "refused"),
            (b"-LOADING Valkey is loading the dataset\r\n", "connection_failed"),
        ],
    )
    def test_a_server_that_answers_wrongly(
        self, make_context: MakeContext, says: bytes | None, code: str
    ) -> None:
        server = Wrong(says)
        with pytest.raises(StepError) as caught:
            run(make_context, server.connection(), "get", key="k")
        server.close()
        assert caught.value.code == code

    def test_a_reply_that_is_too_large(
        self, make_context: MakeContext, redis_connection: RedisConnection
    ) -> None:
        run(make_context, redis_connection, "set", key="k", value="x" * 50_000)
        policy = NetworkPolicy(allowed=("127.0.0.0/8",), max_body_bytes=40_000)
        with pytest.raises(StepError, match="larger than 40,000 bytes"):
            RUNNER.run(config("get", key="k"), make_context(connection=redis_connection, network=policy))

    def test_the_guard_is_asked(self, make_context: MakeContext, redis_connection: RedisConnection) -> None:
        run(make_context, redis_connection, "get", key="k")  # its connection must not be handed over
        with pytest.raises(AddressRefused):
            RUNNER.run(
                config("get", key="k"), make_context(connection=redis_connection, network=NetworkPolicy())
            )

    def test_a_reply_that_stops_in_the_middle_ends_at_the_deadline(self, make_context: MakeContext) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            taken: list[socket.socket] = []

            def serve() -> None:
                connection, _ = listener.accept()
                taken.append(connection)
                connection.recv(1_000)
                connection.sendall(b"$100\r\nhalf")

            threading.Thread(target=serve, daemon=True).start()
            connection = RedisConnection(host="127.0.0.1", port=listener.getsockname()[1])
            with pytest.raises(DeadlineExceeded):
                RUNNER.run(config("get", key="k"), make_context(0.3, connection=connection))
            taken[0].close()

    def test_cancel_ends_a_kept_connections_call_too(
        self, make_context: MakeContext, redis_connection: RedisConnection, client: Any
    ) -> None:
        run(make_context, redis_connection, "get", key="k")
        client.client_pause(90_000, all=False)  # of writes: all would keep the client from ending it
        context = make_context(90, connection=redis_connection)
        threading.Timer(0.2, context.cancellation.cancel).start()
        started = time.monotonic()
        try:
            with pytest.raises(Cancelled):
                RUNNER.run(config("set", key="k", value="v"), context)
        finally:
            client.client_unpause()
        assert time.monotonic() - started < 30
