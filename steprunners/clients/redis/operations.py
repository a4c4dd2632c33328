"""All operations: the arguments, the command that is sent, and how the reply is shown.

Commands and replies as documented in the reference of Redis commands (RESP2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from steprunners.clients.binary import Base64, name_bytes
from steprunners.clients.redis.replies import (
    Shown,
    changed,
    done,
    entries,
    fields_of,
    flag,
    length,
    many,
    members,
    one,
    score,
    ttl,
    type_name,
    written,
)
from steprunners.clients.redis.session import Session
from steprunners.clients.redis.values import flat, to_bytes
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.masking.known_secrets import shorten

#: A scan stops after this many keys.
MOST_KEYS = 10_000

Command = list[str | bytes | int]


class Arguments(Protocol):
    """The arguments that a step gives: fields of its `meta`."""

    @property
    def key(self) -> str | Base64 | None: ...  # noqa: D102 - see the config
    @property
    def value(self) -> Json: ...  # noqa: D102 - see the config
    @property
    def field(self) -> str | Base64 | None: ...  # noqa: D102 - see the config
    @property
    def fields(self) -> dict[str, Json] | list[str | Base64] | None: ...  # noqa: D102 - see the config
    @property
    def ttl(self) -> int | None: ...  # noqa: D102 - see the config
    @property
    def start(self) -> int | str | None: ...  # noqa: D102 - see the config
    @property
    def stop(self) -> int | str | None: ...  # noqa: D102 - see the config


@dataclass(frozen=True)
class Operation:
    """One operation. `needs` and `may` are fields of `meta`; `subject` is what `expectedValue` is compared with.

    Of an alternative in `needs` ("value or fields") exactly one must be given.
    """

    command: Callable[[Arguments], Command]
    read: Callable[[Any], Shown]
    subject: Literal["value", "values", "count"]
    needs: tuple[str, ...] = ("key",)
    may: tuple[str, ...] = ()

    def ask(self, server: Session, command: Command) -> Shown:
        """Send the command, and show its reply."""
        return self.read(server.execute(*command))

    @property
    def is_text(self) -> bool:
        """Whether the value is one that the server stores, and so is text even where it looks like a number."""
        return self.read is one

    @property
    def takes(self) -> frozenset[str]:
        """All fields that may be given."""
        return frozenset(part for each in self.needs for part in each.split(" or ")) | frozenset(self.may)


def _key(given: Arguments) -> bytes:
    return to_bytes(given.key, "meta.key")


def _plain(command: str) -> Callable[[Arguments], Command]:
    return lambda given: [command, _key(given)]


def _with_value(command: str) -> Callable[[Arguments], Command]:
    return lambda given: [command, _key(given), to_bytes(given.value, "meta.value")]


def _with_values(command: str) -> Callable[[Arguments], Command]:
    def build(given: Arguments) -> Command:
        values = given.value if isinstance(given.value, list) else [given.value]
        if not values:
            raise BadConfig("meta.value must not be an empty list")
        return [command, _key(given), *(to_bytes(each, "meta.value") for each in values)]

    return build


def _with_field(command: str) -> Callable[[Arguments], Command]:
    return lambda given: [command, _key(given), to_bytes(given.field, "meta.field")]


def _set(given: Arguments) -> Command:
    ends: Command = ["EX", given.ttl] if given.ttl is not None else []
    return ["SET", _key(given), to_bytes(given.value, "meta.value"), *ends]


def _expire(given: Arguments) -> Command:
    return ["EXPIRE", _key(given), given.ttl or 0]


def _incr(given: Arguments) -> Command:
    if given.value is None:
        return ["INCR", _key(given)]
    return ["INCRBY", _key(given), to_bytes(given.value, "meta.value")]


def _object_of(given: Arguments) -> Mapping[str, Json]:
    fields = given.fields if given.fields is not None else given.value
    if not isinstance(fields, dict) or not fields:
        raise BadConfig("meta.fields must be an object with at least one name and value")
    return fields


def _hset(given: Arguments) -> Command:
    if given.field is not None:
        field, value = to_bytes(given.field, "meta.field"), to_bytes(given.value, "meta.value")
        return ["HSET", _key(given), field, value]
    return ["HSET", _key(given), *flat(_object_of(given), "meta.fields")]


def _hdel(given: Arguments) -> Command:
    if given.field is not None:
        return ["HDEL", _key(given), to_bytes(given.field, "meta.field")]
    as_bytes: Callable[[Any, str], bytes] = name_bytes if isinstance(given.fields, dict) else to_bytes
    names = [as_bytes(each, "meta.fields") for each in given.fields or ()]
    if not names:
        raise BadConfig("meta.fields must not be empty")
    return ["HDEL", _key(given), *names]


def _zadd(given: Arguments) -> Command:
    command: Command = ["ZADD", _key(given)]
    for member, number in _object_of(given).items():
        command += [to_bytes(number, f"meta.fields.{member}"), name_bytes(member, "meta.fields")]
    return command


def _xadd(given: Arguments) -> Command:
    return ["XADD", _key(given), "*", *flat(_object_of(given), "meta.fields")]


def _range(command: str) -> Callable[[Arguments], Command]:
    return lambda given: [
        command,
        _key(given),
        _index(given.start, 0, "start"),
        _index(given.stop, -1, "stop"),
    ]


def _index(value: int | str | None, default: int, place: str) -> int:
    if value is None:
        return default
    try:
        return int(value)
    except ValueError as error:
        raise BadConfig(f"meta.{place} must be a whole number, not '{shorten(value, 40)}'") from error


def _xrange(given: Arguments) -> Command:
    start, stop = ("-" if given.start is None else given.start), ("+" if given.stop is None else given.stop)
    return ["XRANGE", _key(given), to_bytes(str(start), "meta.start"), to_bytes(str(stop), "meta.stop")]


def _scan(given: Arguments) -> Command:
    return ["SCAN", 0, "MATCH", to_bytes(given.key or "*", "meta.key"), "COUNT", 1_000]


def scan(server: Session, command: Command) -> Shown:
    """Follow the cursor until it ends or there are MOST_KEYS keys; a repeated key counts once."""
    keys: set[bytes] = set()
    while True:
        cursor, found = server.execute(*command)
        keys.update(found)
        if cursor == b"0" or len(keys) >= MOST_KEYS:
            shown = members(list(keys)[:MOST_KEYS])
            return {**shown, "valuesTruncated": cursor != b"0" or len(keys) > MOST_KEYS}
        command = [command[0], cursor, *command[2:]]


OPERATIONS: dict[str, Operation] = {
    "get": Operation(_plain("GET"), one, "value"),
    "set": Operation(_set, done, "value", ("key", "value"), ("ttl",)),
    "del": Operation(_plain("DEL"), changed, "count"),
    "exists": Operation(_plain("EXISTS"), changed, "count"),
    "expire": Operation(_expire, flag, "value", ("key", "ttl")),
    "ttl": Operation(_plain("TTL"), ttl, "value"),
    "incr": Operation(_incr, done, "value", ("key",), ("value",)),
    "hget": Operation(_with_field("HGET"), one, "value", ("key", "field")),
    "hset": Operation(_hset, written, "count", ("key", "value or fields"), ("field",)),
    "hgetall": Operation(_plain("HGETALL"), fields_of, "values"),
    "hdel": Operation(_hdel, changed, "count", ("key", "field or fields")),
    "hkeys": Operation(_plain("HKEYS"), members, "values"),
    "lpush": Operation(_with_values("LPUSH"), written, "count", ("key", "value")),
    "rpush": Operation(_with_values("RPUSH"), written, "count", ("key", "value")),
    "lpop": Operation(_plain("LPOP"), one, "value"),
    "rpop": Operation(_plain("RPOP"), one, "value"),
    "llen": Operation(_plain("LLEN"), length, "value"),
    "lrange": Operation(_range("LRANGE"), many, "values", ("key",), ("start", "stop")),
    "sadd": Operation(_with_values("SADD"), written, "count", ("key", "value")),
    "srem": Operation(_with_values("SREM"), changed, "count", ("key", "value")),
    "smembers": Operation(_plain("SMEMBERS"), members, "values"),
    "sismember": Operation(_with_value("SISMEMBER"), flag, "value", ("key", "value")),
    "zadd": Operation(_zadd, written, "count", ("key", "value or fields")),
    "zrange": Operation(_range("ZRANGE"), many, "values", ("key",), ("start", "stop")),
    "zscore": Operation(_with_value("ZSCORE"), score, "value", ("key", "value")),
    "xadd": Operation(_xadd, done, "value", ("key", "value or fields")),
    "xrange": Operation(_xrange, entries, "values", ("key",), ("start", "stop")),
    "publish": Operation(
        _with_value("PUBLISH"), lambda receivers: {"count": receivers}, "count", ("key", "value")
    ),
    "type": Operation(_plain("TYPE"), type_name, "value"),
    "scan": Operation(_scan, many, "values", (), ("key",)),
}
