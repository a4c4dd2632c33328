"""`redis`: runs one operation on a key of a Redis or Valkey."""

from __future__ import annotations

import time
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from steprunners.assertions.evaluation import Assertion
from steprunners.clients.binary import Base64, Bytes, FilledOrBytes, OrBytes, marked_bytes
from steprunners.clients.decoding import text_or_base64
from steprunners.clients.redis.checking import check_server
from steprunners.clients.redis.connection import RedisConnection
from steprunners.clients.redis.operations import OPERATIONS, Operation, scan
from steprunners.clients.redis.session import session
from steprunners.clients.redis.values import as_stored
from steprunners.config import LowerCase, StepConfig, StepResult
from steprunners.deadline import Deadline
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.network import Call, NetworkPolicy
from steprunners.references.errors import UnsafeValue
from steprunners.references.functions import text_of
from steprunners.runner import Finished, StepContext, StepRunner

NOTES = """
**What an operation takes.**

| operation | takes | `expectedValue` is compared with |
| --- | --- | --- |
| `get`, `ttl`, `type`, `lpop`, `rpop`, `llen` | `key` | `value` |
| `set` | `key`, `value`, `ttl?` | `value` (`OK`) |
| `incr` | `key`, `value?` (by how much) | `value` |
| `expire` | `key`, `ttl` | `value` (true or false) |
| `del`, `exists` | `key` | `count` |
| `hget` | `key`, `field` | `value` |
| `hset` | `key` and `field` with `value`, or `fields` | `count` (of new fields) |
| `hdel` | `key` and `field`, or `fields` (a list) | `count` |
| `hgetall` | `key` | `values` (an object) |
| `hkeys`, `smembers` | `key` | `values` (sorted) |
| `lpush`, `rpush`, `sadd`, `srem` | `key`, `value` (a list gives several) | `count` |
| `sismember` | `key`, `value` | `value` (true or false) |
| `lrange`, `zrange` | `key`, `start?` (0), `stop?` (-1) | `values` |
| `zadd` | `key`, `fields` (members and scores) | `count` (of new members) |
| `zscore` | `key`, `value` (the member) | `value` |
| `xadd` | `key`, `fields` | `value` (the entry's id) |
| `xrange` | `key`, `start?` (`-`), `stop?` (`+`) | `values` (of `{id, fields}`) |
| `publish` | `key` (the channel), `value` | `count` (of receivers) |
| `scan` | `key?` (a pattern such as `order:*`) | `values` (sorted; at most 10 000) |

`ttl` is in seconds. An argument that the operation does not take is refused.

**Values.** Redis stores bytes: text is sent as UTF-8, and numbers, booleans, objects and lists as JSON. A value that is
not text (not UTF-8, or with NUL) comes back in base64 with `valueEncoding: base64`, or as `{"base64": "…"}` inside
`values`. `{"base64": "…"}` as `key`, `field`, `value` or `expectedValue`, or inside a list of values, means those
bytes. So `value: {"base64": "${read.value}"}` stores what `read` got in base64. In an object such a name is
`base64:…`, in `fields` as in results. `json` is the parsed value, if it is the JSON of an object or a list. An
`expectedValue` that is an object or a list is compared with `json`.

**Existence.** `exists` says whether the key, field or member existed. `expectedExists` is compared with it.

No command is ever sent twice in one attempt. A reply larger than 10 MiB is an ERROR `response_too_large`. A node of a
cluster answers only for its own keys; for other keys the step is an ERROR that names the right node.
""".strip()

_ARGUMENTS = ("key", "value", "field", "fields", "ttl", "start", "stop")


class RedisConfig(StepConfig):
    """The operation, its key and its arguments."""

    resource_id: str = Field(min_length=1, description="A redis resource, by id or name.")
    operation: Annotated[Literal[tuple(OPERATIONS)], LowerCase]  # type: ignore[valid-type] # the table's names
    key: Annotated[Annotated[str, Field(min_length=1)] | Base64 | None, FilledOrBytes] = Field(
        None, description="The key; a channel for publish, a pattern for scan."
    )
    value: Bytes = None
    field: Annotated[str | Base64 | None, OrBytes] = Field(None, description="The field of a hash.")
    fields: dict[str, Bytes] | list[str | Base64] | None = Field(
        None, description="Names and values of a hash or stream entry; members and scores; names for hdel."
    )
    ttl: int | None = Field(None, ge=1, le=10**10, description="Seconds.")
    start: int | str | None = None
    stop: int | str | None = None
    expected_value: Bytes = Field(None, description="What value, values or count must be.")
    expected_exists: bool | None = Field(None, description="Whether the key, field or member must be there.")

    @model_validator(mode="after")
    def _what_it_takes(self) -> RedisConfig:
        operation = OPERATIONS[self.operation]
        given = {name for name in _ARGUMENTS if getattr(self, name) is not None}
        for need in operation.needs:
            if not given & set(need.split(" or ")):
                raise ValueError(f"{self.operation} needs {need}")
        if extra := sorted(given - operation.takes):
            raise ValueError(f"{self.operation} takes no {' and no '.join(extra)}")
        if "fields" in given and (others := sorted(given & {"field", "value"})):
            raise ValueError(f"{self.operation} takes either fields or {' and '.join(others)}, not both")
        self._check_expected(operation)
        return self

    def _check_expected(self, operation: Operation) -> None:
        try:
            if self.expected_value is not None and "${" not in text_of(self.expected_value):
                _value_assertions(operation, self.expected_value)
        except (BadConfig, UnsafeValue) as problem:
            raise ValueError(str(problem)) from problem


class RedisResult(StepResult):
    """The reply of the server; fields that the operation says nothing about are null."""

    operation: str
    key: Json = Field(description="As it was given.")
    value: Json
    value_encoding: Literal["text", "base64"] | None
    values: Json = Field(description="A list; an object for hgetall.")
    exists: bool | None
    count: int | None
    json_: Json = Field(
        None, alias="json", description="The parsed value, if it is the JSON of an object or list."
    )
    values_truncated: bool = Field(description="Whether a scan stopped early.")


class RedisRunner(StepRunner[RedisConfig, RedisConnection]):
    """Sends one command."""

    type = "redis"
    aliases = ("cache",)
    label = "Redis"
    description = "Reads or writes a key of a Redis or Valkey, and compares its value."
    notes = NOTES
    result_class = RedisResult
    resource_type = "redis"
    example: ClassVar[dict[str, Any]] = {
        "name": "cached_order",
        "stepType": "redis",
        "meta": {
            "resourceId": "shop-cache",
            "operation": "hget",
            "key": "order:42",
            "field": "status",
            "expectedValue": "FULFILLED",
            "expectedExists": True,
        },
        "timeoutMs": 5000,
        "until": {"timeoutMs": 10000, "intervalMs": 250},
        "assertions": [{"field": "value", "operator": "notEmpty"}],
        "extract": {"order_status": "value"},
    }

    def check(self, connection: RedisConnection, network: NetworkPolicy, deadline: Deadline) -> str:
        """Connect, log in, choose the database and PING. Raises StepError."""
        return check_server(connection, network, deadline)

    def run(self, config: RedisConfig, context: StepContext[RedisConnection]) -> Finished:
        """Send the command; raise StepError where the server cannot be reached or refuses it."""
        started = time.monotonic()
        operation = OPERATIONS[config.operation]
        command = operation.command(config)
        call = Call(context.network, context.deadline, context.cancellation)
        with session(call, context.resource.address()) as server:
            follow = scan if config.operation == "scan" else operation.ask
            shown = follow(server, command)
        empty: dict[str, Json] = dict.fromkeys(
            ("value", "valueEncoding", "values", "exists", "count", "json")
        )
        result = {
            "operation": config.operation,
            "key": config.key,
            **empty,
            "valuesTruncated": False,
            **shown,
        }
        result["durationMs"] = round((time.monotonic() - started) * 1000)
        return Finished(result)

    def expectations(self, config: RedisConfig, _fields: frozenset[str]) -> list[Assertion]:
        """Return the assertions of `expectedExists` and `expectedValue`."""
        expected = []
        if config.expected_exists is not None:
            expected.append(
                Assertion(field="exists", operator="equals", expected_value=config.expected_exists)
            )
        if config.expected_value is not None:
            expected += _value_assertions(OPERATIONS[config.operation], config.expected_value)
        return expected


def _value_assertions(operation: Operation, expected: Json) -> list[Assertion]:
    if operation.subject == "values":
        return [_equals("values", as_stored(expected))]
    if operation.subject == "value" and (raw := marked_bytes(expected, "meta.expectedValue")) is not None:
        text, encoding = text_or_base64(raw)
        return [_equals("value", text), _equals("valueEncoding", encoding)]
    if operation.subject == "value" and isinstance(expected, dict | list):
        return [_equals("json", expected)]
    if operation.subject == "value" and operation.is_text:
        return [_equals("value", as_stored(expected))]
    return [_equals(operation.subject, expected)]


def _equals(field: str, expected: Json) -> Assertion:
    return Assertion(field=field, operator="equals", expected_value=expected)
