"""What the editor holds for a new flow: a commented beginning, or the demo flow against the lab shop."""

from __future__ import annotations

from django.conf import settings

STARTER = """\
name: My first flow
description: What it proves, in a sentence.
labels: []
variables:
  - {name: base_url, type: string, defaultValue: "http://127.0.0.1:8001", description: Where it listens}
steps:
  # Each step has a name: later steps refer to it as ${name...}
  - name: create
    stepType: http
    meta:
      method: POST
      url: "${base_url}/orders"
      body: {sku: tea-pot, quantity: 1}
    assertions:
      - {field: status, operator: equals, expectedValue: 201}
    extract: {order_id: body.id}

  # What happens behind the call takes a moment: ask until it holds
  - name: fulfilled
    stepType: http
    meta: {url: "${base_url}/orders/${order_id}"}
    until: {timeoutMs: 10000, intervalMs: 500}
    assertions:
      - {field: body.status, operator: equals, expectedValue: FULFILLED}
"""


def starter_text(wanted: str) -> str:
    """Return the text that a new flow starts from; `wanted` is "example" or anything else."""
    example = settings.BASE_DIR / "lab" / "order-is-fulfilled.yaml"
    if wanted == "example" and example.is_file():
        text: str = example.read_text(encoding="utf-8")
        return text
    return STARTER
