"""The log, on the stand-in for Loki."""

from __future__ import annotations

import time

import pytest
import requests

from lab.orders import Order
from lab.outlets.log import LABELS, Log


def test_an_order_is_a_line(loki_url: str) -> None:
    before = time.time_ns()
    log = Log(loki_url)
    log.write(Order("o-77", "cup", 2, "FULFILLED", 1, 9))
    log.close()
    asked = {"query": '{app="shop"} |= "id=o-77"', "start": str(before), "end": str(time.time_ns() + 1)}
    answer = requests.get(f"{loki_url}/loki/api/v1/query_range", params=asked, timeout=20).json()
    [stream] = answer["data"]["result"]
    assert {name: stream["stream"][name] for name in LABELS} == LABELS
    assert [line for _, line in stream["values"]] == [
        "order fulfilled id=o-77 sku=cup quantity=2 status=FULFILLED"
    ]


def test_a_refusal_is_an_error(loki_url: str) -> None:
    with pytest.raises(requests.RequestException):
        Log(f"{loki_url}/nowhere").write(Order("o-78", "cup", 2, "FULFILLED", 1, 9))
