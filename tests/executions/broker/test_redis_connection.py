"""A line opens itself again, sends nothing twice, and never takes a late answer for the next one's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from redis import RedisError, TimeoutError

from executions.broker.redis_connection import Line

LIST = "test_redis_line"


@pytest.fixture
def client() -> Iterator[Any]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(LIST)
        yield client
        client.delete(LIST)


@pytest.fixture
def line() -> Line:
    pool = redis.ConnectionPool.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    return Line(pool.make_connection())


def push(value: str) -> tuple[str, ...]:
    return "RPUSH", LIST, value


def test_commands_are_carried_out_in_order(line: Line, client: Any) -> None:
    line.send(push("a"), push("b"))
    line.send(push("c"))
    line.send()
    assert client.lrange(LIST, 0, -1) == [b"a", b"b", b"c"]


def test_one_that_the_server_closed_is_opened_again(line: Line, client: Any) -> None:
    line.send(("CLIENT", "SETNAME", LIST), push("a"))
    [number] = [each["id"] for each in client.client_list() if each["name"] == LIST]
    assert client.client_kill_filter(_id=number) == 1
    line.send(push("b"))
    assert client.lrange(LIST, 0, -1) == [b"a", b"b"]


def test_a_command_that_is_refused_leaves_no_answer_behind(line: Line, client: Any) -> None:
    with pytest.raises(RedisError, match="unknown command"):
        line.send(push("a"), ("NONSENSE",), push("b"))
    line.send(push("c"))
    assert client.lrange(LIST, 0, -1) == [b"a", b"b", b"c"]


def test_a_server_that_does_not_answer_is_given_up(line: Line, client: Any) -> None:
    with pytest.raises(TimeoutError):
        line.send(("BLPOP", f"{LIST}_nothing", "0"), push("a"))  # behind a command that waits for ever
    line.send(push("b"))
    assert client.lrange(LIST, 0, -1) == [b"b"]


def test_nobody_listens() -> None:
    pool = redis.ConnectionPool(host="127.0.0.1", port=9, socket_connect_timeout=1)
    line = Line(pool.make_connection())
    for _ in range(2):
        with pytest.raises(redis.ConnectionError):
            line.send(push("a"))
