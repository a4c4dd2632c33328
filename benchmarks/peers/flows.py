"""The same flow in each tool's words: calls, each with a value of the one before, an assertion, a value passed on."""

from __future__ import annotations

import json
from pathlib import Path


def tavern(folder: Path, url: str, steps: int) -> Path:
    """Write a Tavern test."""
    stages = [
        {
            "name": f"step {number}",
            "request": {
                "url": f"{url}/orders/{{order_{number - 1}:d}}" if number > 1 else f"{url}/orders/42"
            },
            "response": {
                "status_code": 200,
                "json": {"status": "FULFILLED"},
                "strict": False,
                "save": {"json": {f"order_{number}": "id"}},
            },
        }
        for number in range(1, steps + 1)
    ]
    path = folder / f"test_{steps}.tavern.yaml"
    path.write_text(json.dumps({"test_name": f"{steps} steps", "stages": stages}))  # JSON is YAML
    return path


def newman(folder: Path, url: str, steps: int) -> Path:
    """Write a Postman collection."""
    script = [
        "const order = pm.response.json();",
        "pm.test('fulfilled', () => pm.expect(order.status).to.eql('FULFILLED'));",
        "pm.variables.set('order', order.id);",
    ]
    items = [
        {
            "name": f"step {number}",
            "request": {"method": "GET", "url": f"{url}/orders/{{{{order}}}}"},
            "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": script}}],
        }
        for number in range(1, steps + 1)
    ]
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    collection = {
        "info": {"name": f"{steps} steps", "schema": schema},
        "variable": [{"key": "order", "value": "42"}],
        "item": items,
    }
    path = folder / f"{steps}.postman.json"
    path.write_text(json.dumps(collection))
    return path


PREFECT = """
import sys
import requests
from prefect import flow, task

session = requests.Session()
session.trust_env = False


@task
def call(url, order):
    response = session.get(f"{url}/orders/{order}", timeout=30)
    response.raise_for_status()
    found = response.json()
    assert found["status"] == "FULFILLED"
    return found["id"]


@flow
def chained(url: str, steps: int):
    order = 42
    for _ in range(steps):
        order = call(url, order)


chained(sys.argv[1], int(sys.argv[2]))
"""


def prefect(folder: Path) -> Path:
    """Write a Prefect flow: a task a call, its states kept by the server."""
    path = folder / "chained.py"
    path.write_text(PREFECT)
    return path
