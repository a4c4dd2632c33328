"""What the shop answers to each call.

| call | answer |
| --- | --- |
| `POST /orders` `{"sku"?: text, "quantity": 1 … 1000, "break"?, "lateMs"?}` | 201, the order, ACCEPTED |
| `GET /orders/{id}` | 200, the order, ACCEPTED and soon FULFILLED; 404 |
| `DELETE /orders/{id}` | 204; 404 |
| `GET /events?orderId=` | 200, `{"events": [...]}` |
| `GET /flaky?key=&failures=2` | 503 for the first calls with that key, then 200 |
| `GET /slow?ms=1000` | 200 after that time (at most 60 s) |
| `GET /metrics` | 200, counters for Prometheus, see lab/metrics.py |
| `GET /health` | 200 |

`break` and `lateMs` make something go wrong behind the shop: lab/faults.py.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from lab.faults import Faults, UnknownFault
from lab.shop import Shop

LONGEST_WAIT_MS = 60_000
MOST_FAILURES = 1_000


class Refused(Exception):
    """The call is not one that the shop can answer well."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the `id` in its path (or ""), query and body; `closing` is set when the shop closes."""

    shop: Shop
    closing: threading.Event
    id: str
    query: dict[str, str]
    body: bytes


Answer = tuple[HTTPStatus, Any]


def answer(method: str, path: str, call: Callable[[str], Call]) -> Answer:
    """Return status and content (text, JSON, None); `call` makes the Call for an id. Raises Refused."""
    known_path = False
    for wanted, pattern, action in ROUTES:
        match = re.fullmatch(pattern, path)
        if match and wanted == method:
            return action(call(match.groupdict().get("id", "")))
        known_path = known_path or match is not None
    if known_path:
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{method} is not for {path}")
    raise Refused(HTTPStatus.NOT_FOUND, f"nothing at {path}")


def _health(_call: Call) -> Answer:
    return HTTPStatus.OK, {"status": "ok"}


def _create_order(call: Call) -> Answer:
    wanted = _parse(call.body)
    sku, quantity = wanted.get("sku", "tea-pot"), wanted.get("quantity")
    if not isinstance(sku, str) or not re.fullmatch(r"[A-Za-z0-9-]{1,40}", sku):
        raise Refused(HTTPStatus.BAD_REQUEST, "sku: 1 to 40 letters, digits and hyphens")
    if type(quantity) is not int or not 1 <= quantity <= 1_000:
        raise Refused(HTTPStatus.BAD_REQUEST, "quantity: a whole number from 1 to 1000")
    try:
        faults = Faults.read(wanted.get("break"), wanted.get("lateMs"))
    except UnknownFault as problem:
        raise Refused(HTTPStatus.BAD_REQUEST, str(problem)) from problem
    return HTTPStatus.CREATED, asdict(call.shop.accept(sku=sku, quantity=quantity, faults=faults))


def _parse(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is not JSON") from None
    if not isinstance(parsed, dict):
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is not a JSON object")
    return parsed


def _get_order(call: Call) -> Answer:
    order = call.shop.order(call.id)
    if order is None:
        raise Refused(HTTPStatus.NOT_FOUND, "no such order")
    return HTTPStatus.OK, asdict(order)


def _delete_order(call: Call) -> Answer:
    if not call.shop.delete(call.id):
        raise Refused(HTTPStatus.NOT_FOUND, "no such order")
    return HTTPStatus.NO_CONTENT, None


def _events(call: Call) -> Answer:
    return HTTPStatus.OK, {"events": call.shop.events(call.query.get("orderId", ""))}


def _flaky(call: Call) -> Answer:
    failures = _number(call.query, "failures", default=2, most=MOST_FAILURES)
    key = call.query.get("key", "")
    if not 1 <= len(key) <= 200:
        raise Refused(HTTPStatus.BAD_REQUEST, "key: 1 to 200 characters")
    if call.shop.fails_now(key, failures=failures):
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "not yet, try again")
    return HTTPStatus.OK, {"key": key, "status": "ready"}


def _slow(call: Call) -> Answer:
    wait = _number(call.query, "ms", default=1_000, most=LONGEST_WAIT_MS)
    call.closing.wait(wait / 1000)
    return HTTPStatus.OK, {"waitedMs": wait}


def _metrics(call: Call) -> Answer:
    return HTTPStatus.OK, call.shop.metrics.text()


def _number(query: dict[str, str], name: str, *, default: int, most: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > most:
        raise Refused(HTTPStatus.BAD_REQUEST, f"{name}: a whole number from 0 to {most}")
    return int(text)


ROUTES: list[tuple[str, str, Callable[[Call], Answer]]] = [
    ("GET", r"/health", _health),
    ("GET", r"/metrics", _metrics),
    ("POST", r"/orders", _create_order),
    ("GET", r"/orders/(?P<id>[^/]+)", _get_order),
    ("DELETE", r"/orders/(?P<id>[^/]+)", _delete_order),
    ("GET", r"/events", _events),
    ("GET", r"/flaky", _flaky),
    ("GET", r"/slow", _slow),
]
