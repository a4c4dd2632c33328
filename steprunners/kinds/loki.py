"""`loki`: finds log lines by labels and text, in a span of time."""

from __future__ import annotations

import time
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from requests.structures import CaseInsensitiveDict

from steprunners.clients.bindings import FREE
from steprunners.clients.loki.logql import build, check_selectors
from steprunners.clients.loki.pages import Found, fetch
from steprunners.clients.monitoring.checking import check_queries
from steprunners.clients.monitoring.connection import MonitoringConnection, header_safe
from steprunners.clients.monitoring.windows import Times, span_of
from steprunners.clients.quotas import within
from steprunners.config import StepConfig, StepResult, Wire
from steprunners.deadline import Deadline
from steprunners.errors import BadConfig
from steprunners.network import Call, NetworkPolicy
from steprunners.references.resolution import Grammar
from steprunners.runner import Finished, StepContext, StepRunner

NOTES = """
**What it finds.** Lines with the given labels that contain every text of `containsPatterns` and none of
`notContainsPatterns`. Labels and patterns are texts, not expressions: quotes, backslashes, line breaks, `}` and `.*`
have no special meaning. For anything else write your own LogQL in `query`; a reference inside quotes is escaped there.
`query` cannot be combined with labels, namespace and patterns. A selector that matches every stream is refused before
it is sent.

**When.** `startTime` and `endTime` in milliseconds (the start is inclusive, the end exclusive), `relativeTime`, or
neither: since the start of the execution. Lines reach Loki with a delay; give the step an `until` to wait for a line.

**How much.** Pages are fetched until there are `limit` lines, the oldest first; `limitReached` says that there may be
more. A page is at most as large as Loki allows (`max_entries_limit_per_query`). If more lines than that have the same
nanosecond, some may be missing: `limitReached` is true and `warnings` says so. `matchCount` counts `logLines`. It is
not an error if there is no line: assert on `matchCount`.
""".strip()


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Pattern = Annotated[str, Field(min_length=1, max_length=4_000)]
_Patterns = Annotated[list[_Pattern], BeforeValidator(_as_list), Field(max_length=50)]


class LokiConnection(MonitoringConnection):
    """A Loki."""

    product: ClassVar[str] = "Loki"
    probe: ClassVar[tuple[str, dict[str, str]]] = ("/loki/api/v1/labels", {})

    namespace: Annotated[str | None, FREE] = Field(
        None, description="The value of the label `namespace`, unless a step gives another."
    )
    tenant: Annotated[Annotated[str, AfterValidator(header_safe)] | None, FREE] = Field(
        None, description="Sent as X-Scope-OrgID."
    )

    def headers(self) -> CaseInsensitiveDict[str]:
        """Return what every request carries, the tenant included."""
        headers = super().headers()
        if self.tenant:
            headers["X-Scope-OrgID"] = self.tenant
        return headers


class LokiConfig(StepConfig, Times):
    """Which lines to find, and in which span of time."""

    grammars: ClassVar = {"query": Grammar.LABEL}

    resource_id: str = Field(min_length=1, description="A loki resource, by id or name.")
    namespace: str | None = Field(
        None, description="Instead of the resource's namespace; becomes the label `namespace`."
    )
    labels: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, description="Names and values, which must all be equal."
    )
    contains_patterns: _Patterns = Field(default_factory=list, description="Texts that a line must contain.")
    not_contains_patterns: _Patterns = Field(
        default_factory=list, description="Texts that a line must not contain."
    )
    limit: int = Field(1_000, ge=1, le=100_000, description="The most lines.")
    query: str | None = Field(
        None, min_length=1, max_length=16_000, description="LogQL, instead of labels, namespace and patterns."
    )

    @model_validator(mode="after")
    def _one_query(self) -> LokiConfig:
        others = (self.namespace, self.labels, self.contains_patterns, self.not_contains_patterns)
        if self.query is not None and any(others):
            raise ValueError("give either query, or labels, namespace and patterns")
        return self


class LogLine(Wire):
    """One line."""

    timestamp: int = Field(description="Milliseconds since 1970.")
    line: str
    labels: dict[str, str]


class LokiResult(StepResult):
    """The lines that were found."""

    log_lines: list[LogLine] = Field(description="Oldest first.")
    match_count: int
    limit_reached: bool = Field(description="Whether there may be more lines.")
    scanned_bytes: int = Field(description="How many bytes Loki read to answer.")
    execution_time_ms: int = Field(description="How long Loki took to answer.")
    query: str = Field(description="The LogQL that was sent.")
    warnings: list[str]


class LokiRunner(StepRunner[LokiConfig, LokiConnection]):
    """Sends the query to Loki."""

    type = "loki"
    aliases = ("loki_logs",)
    label = "Loki logs"
    description = "Finds log lines in Loki by their labels and their text."
    notes = NOTES
    result_class = LokiResult
    resource_type = "loki"
    example: ClassVar[dict[str, Any]] = {
        "name": "order_logged",
        "stepType": "loki",
        "meta": {
            "resourceId": "shop-loki",
            "labels": {"app": "shop"},
            "containsPatterns": ["order 42", "fulfilled"],
            "notContainsPatterns": ["retry"],
            "relativeTime": "15m",
            "limit": 100,
        },
        "timeoutMs": 5000,
        "until": {"timeoutMs": 20000, "intervalMs": 500},
        "assertions": [{"field": "matchCount", "operator": "gte", "expectedValue": 1}],
        "extract": {"fulfilled_at": "logLines[0].timestamp"},
    }

    def check(self, connection: LokiConnection, network: NetworkPolicy, deadline: Deadline) -> str:
        """Send a query that every Loki can answer. Raises StepError."""
        return check_queries(connection, network, deadline)

    def run(self, config: LokiConfig, context: StepContext[LokiConnection]) -> Finished:
        """Fetch the lines; raise StepError where Loki refuses the query or does not answer."""
        started = time.monotonic()
        config = within(config, "limit", context.network.max_rows)
        connection = context.resource
        query = _query(config, connection)
        span = span_of(
            config,
            began_ms=context.execution.started_at_ms,
            # The end is exclusive, and the lines of this millisecond count.
            now_ms=time.time_ns() // 1_000_000 + 1,
            place="meta",
        )
        call = Call(context.network, context.deadline, context.cancellation)
        found = fetch(call, connection, query, span, config.limit)
        elapsed_ms = round((time.monotonic() - started) * 1000)
        return Finished(
            {
                **_shown(found, config.limit),
                "query": query,
                "executionTimeMs": elapsed_ms,
                "durationMs": elapsed_ms,
            }
        )


def _shown(found: Found, limit: int) -> dict[str, Any]:
    return {
        "logLines": [line.to_json() for line in found.lines],
        "matchCount": len(found.lines),
        "limitReached": len(found.lines) == limit or found.is_incomplete,
        "scannedBytes": found.scanned_bytes,
        "warnings": found.warnings,
    }


def _query(config: LokiConfig, connection: LokiConnection) -> str:
    """Return the LogQL to send; raise BadConfig where it would match everything."""
    if config.query is not None:
        check_selectors(config.query)
        return config.query
    if config.namespace and config.labels.get("namespace", config.namespace) != config.namespace:
        raise BadConfig("meta.namespace and meta.labels.namespace are different")
    namespace = config.namespace or connection.namespace
    labels = {"namespace": namespace, **config.labels} if namespace else config.labels
    return build(labels, config.contains_patterns, config.not_contains_patterns)
