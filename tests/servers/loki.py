"""A stand-in for Loki, written from the HTTP API that Loki documents (push, query_range, labels).

It knows stream selectors and line filters, keeps lines in memory, and refuses what Loki refuses, with Loki's status
and kind of text: a selector that matches everything, more lines than `max_entries`, an end before the start, no
tenant. Times are nanoseconds; a number of up to ten digits is read as seconds, as Loki does. LOKI_URL names a real one
to use.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import re2

Matches = Callable[[str], bool]


class Refusal(Exception):
    """What the server answers instead: a status and a text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass
class Store:
    """What was pushed: lines a tenant, as (nanoseconds, labels, text)."""

    tenants: dict[str, list[tuple[int, dict[str, str], str]]] = field(default_factory=dict)
    requests: list[dict[str, str]] = field(default_factory=list)
    multi_tenant: bool = False
    login: str | None = None
    #: `max_entries_limit_per_query`; 0 is no limit.
    max_entries: int = 5_000
    lock: threading.Lock = field(default_factory=threading.Lock)

    def push(self, tenant: str, body: dict[str, Any]) -> None:
        with self.lock:
            lines = self.tenants.setdefault(tenant, [])
            for stream in body["streams"]:
                lines += [(int(value[0]), stream["stream"], value[1]) for value in stream["values"]]

    def query_range(self, tenant: str, asked: dict[str, str]) -> dict[str, Any]:
        with self.lock:
            self.requests.append(asked)
            lines = list(self.tenants.get(tenant, []))
        matchers, filters = parse(asked["query"])
        if not any(not holds("") for _, holds in matchers):
            raise Refusal(
                400,
                "queries require at least one regexp or equality matcher that does not have an empty-compatible value",
            )
        start, end, limit = _time(asked["start"]), _time(asked["end"]), int(asked.get("limit", "100"))
        if 0 < self.max_entries < limit:
            raise Refusal(
                400,
                "max entries limit per query exceeded, limit > "
                f"max_entries_limit_per_query ({limit} > {self.max_entries})",
            )
        if end < start:
            raise Refusal(400, "end timestamp must not be before or equal to start time")
        found = [
            line
            for line in lines
            if start <= line[0] < end
            and all(holds(line[1].get(name, "")) for name, holds in matchers)
            and all(holds(line[2]) for holds in filters)
        ]
        backward = asked.get("direction", "backward") == "backward"
        found = sorted(found, key=lambda line: line[0], reverse=backward)[:limit]
        return _answer(found, sum(len(line[2].encode()) for line in lines))


def _answer(found: list[tuple[int, dict[str, str], str]], scanned: int) -> dict[str, Any]:
    streams: dict[str, dict[str, Any]] = {}
    for at, labels, text in found:
        key = json.dumps(labels, sort_keys=True)
        streams.setdefault(key, {"stream": labels, "values": []})["values"].append([str(at), text])
    stats = {"summary": {"totalBytesProcessed": scanned, "totalLinesProcessed": len(found)}}
    return {
        "status": "success",
        "data": {"resultType": "streams", "result": list(streams.values()), "stats": stats},
    }


def _time(text: str) -> int:
    number = int(text)
    return number * 1_000_000_000 if len(text) <= 10 else number


# --- LogQL ----------------------------------------------------------------------------------------

_STRING = r'(?:"(?:\\.|[^"\\\n])*"|`[^`]*`)'
_MATCHER = re.compile(rf"\s*([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*({_STRING})\s*", re.ASCII)
_FILTER = re.compile(rf"\s*(\|=|!=|\|~|!~)\s*({_STRING})\s*", re.ASCII)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)


def parse(query: str) -> tuple[list[tuple[str, Matches]], list[Matches]]:
    """Return the selector's matchers and the line filters; raise Refusal for anything else."""
    position = len(query) - len(query.lstrip())
    if query[position : position + 1] != "{":
        raise _syntax_error(query, position)
    position += 1
    matchers = []
    while query[position : position + 1] != "}":
        match = _MATCHER.match(query, position)
        if match is None:
            raise _syntax_error(query, position)
        matchers.append((match[1], _label_matcher(match[2], _unquoted(match[3]))))
        position = match.end()
        if query[position : position + 1] == ",":
            position += 1
        elif query[position : position + 1] != "}":
            raise _syntax_error(query, position)
    return matchers, _filters(query, position + 1)


def _filters(query: str, position: int) -> list[Matches]:
    filters = []
    while query[position:].strip():
        match = _FILTER.match(query, position)
        if match is None:
            raise _syntax_error(query, position)
        filters.append(_line_filter(match[1], _unquoted(match[2])))
        position = match.end()
    return filters


def _syntax_error(query: str, position: int) -> Refusal:
    unexpected = query[position : position + 1] or "$end"
    return Refusal(400, f"parse error at line 1, col {position + 1}: syntax error: unexpected {unexpected}")


def _unquoted(literal: str) -> str:
    """Return the text of a Go string literal."""
    if literal[0] == "`":
        return literal[1:-1]

    def meant(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        if code:
            return chr(int(code, 16))
        if match[3] not in _ESCAPES:
            raise Refusal(400, "parse error: invalid char escape")
        return _ESCAPES[match[3]]

    return _ESCAPE.sub(meant, literal[1:-1])


def _label_matcher(operator: str, text: str) -> Matches:
    if operator in ("=", "!="):
        return lambda value: (value == text) == (operator == "=")
    return lambda value: (re2.fullmatch(text, value) is not None) == (operator == "=~")


def _line_filter(operator: str, text: str) -> Matches:
    if operator in ("|=", "!="):
        return lambda line: (text in line) == (operator == "|=")
    return lambda line: (re2.search(text, line) is not None) == (operator == "|~")


# --- HTTP -----------------------------------------------------------------------------------------


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store

    def do_GET(self) -> None:
        self._answer(dict(self._query_of(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_form = self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
        self._answer(self._query_of(body.decode()) if is_form else {}, body)

    @staticmethod
    def _query_of(text: str) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}

    def _answer(self, asked: dict[str, str], body: bytes = b"") -> None:
        try:
            self._reply(
                200, json.dumps(self._result(asked, body)).encode(), "application/json; charset=UTF-8"
            )
        except Refusal as refusal:
            self._reply(refusal.status, str(refusal).encode(), "text/plain; charset=utf-8")

    def _result(self, asked: dict[str, str], body: bytes) -> dict[str, Any]:
        if self.store.login not in (None, self.headers.get("Authorization")):
            raise Refusal(401, "Unauthorized\n")
        tenant = self.headers.get("X-Scope-OrgID") if self.store.multi_tenant else "fake"
        if tenant is None:
            raise Refusal(401, "no org id\n")
        match urlsplit(self.path).path:
            case "/loki/api/v1/push":
                self.store.push(tenant, json.loads(body))
                return {}
            case "/loki/api/v1/query_range":
                return self.store.query_range(tenant, asked)
            case "/loki/api/v1/labels":
                return {"status": "success", "data": []}
        raise Refusal(404, "404 page not found\n")

    def _reply(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def start_loki(
    *, multi_tenant: bool = False, login: tuple[str, str] | None = None
) -> tuple[ThreadingHTTPServer, str, Store]:
    """Start the stand-in in a thread; return it (to shut down), its URL, and what it holds.

    With a `login` (user, password) it asks for that, as the proxies do that stand before Loki.
    """
    basic = base64.b64encode(":".join(login).encode()).decode() if login else ""
    store = Store(multi_tenant=multi_tenant, login=f"Basic {basic}" if login else None)
    handler = type("Handler", (_Handler,), {"store": store})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}", store
