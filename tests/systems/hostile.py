"""Hostile inputs to each step type, and what the user is told: as the flow is saved, or by the step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

HALF = "\ud800"
#: What the flow's variable `x` holds where an input is to come in by a reference.
INJECTIONS = {
    "sql": "x'; drop table orders; --",
    "jsonpath": "x' || @.id != '",
    "header": "a\r\nX-Admin: yes",
    "path": "../../admin?all=1#",
    "label": 'x"} |= "',
    "regex": ".*",
}


@dataclass(frozen=True)
class Hostile:
    """An input: `outcome` is REFUSED (the flow cannot be saved) or the step's status; `told` is matched in the text."""

    step_type: str
    title: str
    meta: dict[str, Any]
    outcome: str
    told: str = ""
    x: str = ""
    envelope: dict[str, Any] = field(default_factory=dict)

    @property
    def step(self) -> dict[str, Any]:
        """The flow's only step."""
        return {
            "name": "step",
            "stepType": self.step_type,
            "meta": self.meta,
            "timeoutMs": 4_000,
            **self.envelope,
        }

    def __str__(self) -> str:
        return f"{self.step_type}: {self.title}"


def hostile_inputs() -> Iterator[Hostile]:
    """Yield all of them."""
    yield from _http()
    yield from _sql()
    yield from _kafka()
    yield from _redis()
    yield from _loki()
    yield from _prometheus()
    yield from _others()


def _http() -> Iterator[Hostile]:
    def http(title: str, outcome: str, told: str = "", x: str = "", **meta: Any) -> Hostile:
        return Hostile("http", title, {"url": "${base_url}/health", **meta}, outcome, told, x)

    yield http(
        "metadata address", "ERROR", "may not be reached", url="http://169.254.169.254/latest/meta-data"
    )
    yield http(
        "the same as an IPv6 address", "ERROR", "may not be reached", url="http://[::ffff:169.254.169.254]/"
    )
    yield http("private address", "ERROR", "may not be reached", url="http://10.0.0.1/")
    yield http("decimal address", "ERROR", "may not be reached", url="http://167772161/")
    yield http("file URL", "ERROR", "not an absolute http or https URL", url="file:///etc/passwd")
    yield http("file URL by reference", "ERROR", "", "file:///etc/passwd", url="${x}")
    yield http("name that does not exist", "ERROR", "", url="http://no-such-host.invalid/")
    yield http(
        "line break in a header",
        "ERROR",
        "cannot contain a line break",
        INJECTIONS["header"],
        headers={"X-Order": "${x}"},
    )
    yield http("path with .. segments", "FAILED", "404", INJECTIONS["path"], url="${base_url}/orders/${x}")
    yield http("method with a space", "REFUSED", "", method="GET /admin")
    yield http("lone surrogate in the body", "REFUSED", "", method="POST", body={"sku": HALF})
    yield http("server that does not speak HTTP", "ERROR", "", url="http://127.0.0.1:${x}/", x="{redis_port}")


def _sql() -> Iterator[Hostile]:
    def sql(
        title: str, query: str, outcome: str, told: str = "", *, on: str = "postgresql", **more: Any
    ) -> Hostile:
        x, envelope = more.pop("x", ""), {"timeoutMs": more.pop("timeout_ms", 10_000)}
        meta = {"resourceId": f"shop-{on}", "query": query, **more}
        return Hostile("sql", f"{on}: {title}", meta, outcome, told, x, envelope)

    by_id = "select * from orders where id = :id"
    yield sql("second statement", "select 1; drop table orders", "ERROR", "more than one statement")
    yield sql("reference in the query", "select * from orders where id = '${x}'", "REFUSED", "write :name")
    yield sql("injection by a parameter", by_id, "SUCCESS", parameters={"id": "${x}"}, x=INJECTIONS["sql"])
    yield sql("end of the transaction", "commit", "ERROR")
    yield sql("write while reading only", "delete from orders", "ERROR", "readOnly: false")
    yield sql("write in a WITH", "with d as (delete from orders returning id) select * from d", "ERROR")
    yield sql(
        "query that sleeps", "select pg_sleep(60)", "ERROR", "not finished within|deadline", timeout_ms=1_500
    )
    yield sql("file of the server", "select pg_read_file('/etc/passwd')", "ERROR")
    yield sql("program on the server", "copy orders to program 'id'", "ERROR")
    yield sql("100 MB in a field", "select repeat('x', 100000000)", "ERROR", timeout_ms=30_000)
    yield sql("NUL in a parameter", by_id, "ERROR", parameters={"id": "a\0b"})
    yield sql("lone surrogate in a parameter", by_id, "REFUSED", parameters={"id": HALF})
    yield sql("bind without a value", by_id, "ERROR")
    yield sql(
        "file of the worker", "load data local infile '/etc/passwd' into table orders", "ERROR", on="mariadb"
    )
    yield sql("file of the server", "select 1 into outfile '/tmp/x'", "ERROR", on="mariadb")
    yield sql(
        "query that sleeps",
        "select sleep(60)",
        "ERROR",
        "not finished within|deadline",
        on="mariadb",
        timeout_ms=1_500,
    )


def _kafka() -> Iterator[Hostile]:
    def publish(title: str, outcome: str, **meta: Any) -> Hostile:
        whole = {"resourceId": "shop-kafka", "topic": "${topic}", "message": 1, **meta}
        return Hostile("kafka_publish", title, whole, outcome)

    def subscribe(title: str, outcome: str, x: str = "", **meta: Any) -> Hostile:
        whole = {"resourceId": "shop-kafka", "topic": "${topic}", "startFrom": "EARLIEST", **meta}
        return Hostile("kafka_subscribe", title, whole, outcome, x=x, envelope={"timeoutMs": 6_000})

    yield publish("topic that is a path", "ERROR", topic="../../etc/passwd")
    yield publish("message of 2 MB", "ERROR", message="x" * 2_000_000)
    yield publish("partition that does not exist", "ERROR", partition=99)
    yield publish("text that is not base64", "ERROR", message="%%%", messageEncoding="base64")
    yield subscribe("topic that is a path", "ERROR", topic="../../etc/passwd")
    yield subscribe(
        "invalid regular expression", "REFUSED", searchPattern={"matchType": "regex", "pattern": "("}
    )
    backtracking = {"matchType": "regex", "pattern": "^(([a-z0-9-]+)+)+!$"}
    yield subscribe(
        "regular expression that backtracks in other engines", "FAILED", searchPattern=backtracking
    )
    multiplying = {"matchType": "jsonpath", "pattern": "$..*..*..*.none"}
    yield subscribe("JSONPath whose nodes multiply", "FAILED", searchPattern=multiplying)
    quoted = {"matchType": "jsonpath", "pattern": "$[?@.id == '${x}']"}
    yield subscribe("JSONPath by reference", "FAILED", INJECTIONS["jsonpath"], searchPattern=quoted)
    literal = {"matchType": "regex", "pattern": "^${x}$"}
    yield subscribe("regular expression by reference", "FAILED", INJECTIONS["regex"], searchPattern=literal)
    yield subscribe("a million messages", "REFUSED", messageLimit=1_000_000)


def _redis() -> Iterator[Hostile]:
    def redis(title: str, operation: str, outcome: str, x: str = "", **meta: Any) -> Hostile:
        return Hostile(
            "redis", title, {"resourceId": "shop-redis", "operation": operation, **meta}, outcome, x=x
        )

    yield redis("second command in the key", "get", "SUCCESS", key="a\r\nFLUSHALL\r\n")
    yield redis("unknown command", "flushall", "REFUSED", key="a")
    yield redis("script", "eval", "REFUSED", key="return 1")
    yield redis("operation on a key of another type", "lpush", "ERROR", key="hostile:text", value="x")
    yield redis("increment of a text", "incr", "ERROR", key="hostile:text")
    yield redis("lone surrogate in the key", "get", "REFUSED", key=HALF)
    yield redis("time to live of a million years", "set", "REFUSED", key="a", value="b", ttl=10**14)


def _loki() -> Iterator[Hostile]:
    def loki(title: str, outcome: str, x: str = "", **meta: Any) -> Hostile:
        return Hostile("loki", title, {"resourceId": "shop-loki", **meta}, outcome, x=x)

    yield loki("selector that matches everything", "ERROR", query='{app=~".*"}')
    yield loki("no label", "ERROR")
    yield loki("invalid query", "ERROR", query="{app=")
    yield loki("end of the query in a label's value", "SUCCESS", INJECTIONS["label"], labels={"app": "${x}"})
    yield loki("label that is a query", "ERROR", labels={'app="x"} or {a': "b"})
    yield loki(
        "end before the start",
        "ERROR",
        labels={"app": "shop"},
        startTime=1_767_225_602_000,
        endTime=1_767_225_600_000,
    )
    yield loki("a billion lines", "REFUSED", labels={"app": "shop"}, limit=10**9)


def _prometheus() -> Iterator[Hostile]:
    def prometheus(title: str, query: str, outcome: str, x: str = "", **meta: Any) -> Hostile:
        whole = {"resourceId": "shop-prometheus", "query": query, "duration1": {"relativeTime": "5m"}, **meta}
        return Hostile("prometheus", title, whole, outcome, x=x)

    yield prometheus("invalid query", "rate(up[", "ERROR")
    yield prometheus("end of the query in a label's value", 'up{job="${x}"}', "SUCCESS", INJECTIONS["label"])
    yield prometheus("reference outside quotes", "up + ${x}", "ERROR", "1 or vector(1)")
    yield prometheus("too many points", "up", "ERROR", step="1s", duration1={"relativeTime": "90d"})
    yield prometheus(
        "window that ends before it begins",
        "up",
        "ERROR",
        duration1={"startTime": 1_767_225_602_000, "endTime": 1_767_225_600_000},
    )


def _others() -> Iterator[Hostile]:
    no_time = {"timeoutMs": None}
    yield Hostile("delay", "delay of more than a week", {"delayMs": 10**12}, "REFUSED", envelope=no_time)
    yield Hostile("delay", "text by reference", {"delayMs": "${x}"}, "ERROR", x="soon", envelope=no_time)
    wild = {"left": "a" * 1_000, "operator": "matches", "right": "(a+)+$!"}
    yield Hostile(
        "condition", "regular expression that backtracks in other engines",
        {"branches": [{"condition": wild, "steps": []}]}, "SUCCESS", envelope=no_time,
    )  # fmt: skip
    broken = {**wild, "right": "("}
    yield Hostile(
        "condition", "invalid regular expression", {"branches": [{"condition": broken, "steps": []}]}, "REFUSED",
        envelope=no_time,
    )  # fmt: skip
    unknown = {"flowId": "0193a5b0-0000-7000-8000-000000000001"}
    yield Hostile("flow", "flow that does not exist", unknown, "REFUSED", envelope=no_time)
    yield Hostile(
        "flow", "flow by reference that is not an id", {"flowId": "${x}"}, "ERROR", x="../1", envelope=no_time
    )
