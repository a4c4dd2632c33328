"""Documents that the tests of flows start from."""

from __future__ import annotations

from typing import Any

ORDER = """
name: Order is fulfilled
description: Creating an order reaches the ledger.
labels: [shop, smoke]
variables:
  - {name: base_url, type: string, defaultValue: "http://127.0.0.1:8000", description: Where the shop listens}
  - {name: quantity, type: integer, defaultValue: 2}
  - {name: api_key, type: string, secret: true, required: true}
steps:
  - name: create_order
    stepType: http
    meta: {method: POST, url: "${base_url}/orders", headers: {X-Api-Key: "${api_key}"}, body: {quantity: "${quantity}"}}
    assertions: [{field: status, operator: equals, expectedValue: 201}]
    extract: {order_id: body.id}
  - name: fulfilled
    stepType: http
    meta: {url: "${base_url}/orders/${order_id}"}
    until: {timeoutMs: 20000, intervalMs: 250}
    assertions: [{field: body.status, operator: equals, expectedValue: FULFILLED}]
"""


def flow(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a flow document with these steps."""
    return {"name": "A flow", "steps": list(steps), **more}


def wait(name: str = "wait", **more: Any) -> dict[str, Any]:
    """Return a step that waits for a millisecond."""
    return {"name": name, "stepType": "delay", "meta": {"delayMs": 1}, **more}


def get(name: str = "get", url: Any = "http://127.0.0.1/", **more: Any) -> dict[str, Any]:
    """Return a step that sends a GET request."""
    return {"name": name, "stepType": "http", "meta": {"url": url}, **more}


def choose(name: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a condition whose only branch has these steps."""
    branch = {"condition": {"left": 1, "operator": "exists"}, "steps": list(steps)}
    return {"name": name, "stepType": "condition", "meta": {"branches": [branch]}, **more}
