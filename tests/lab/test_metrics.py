"""The shop's counters, as Prometheus would read them."""

from __future__ import annotations

import requests

from asynctester.embedded.processes import wait_until
from lab.metrics import CONTENT_TYPE


def test_orders_and_items_are_counted_by_sku(shop_url: str) -> None:
    for order in (
        {"sku": "cup", "quantity": 4},
        {"sku": "cup", "quantity": 3},
        {"sku": "pot", "quantity": 1},
    ):
        assert requests.post(f"{shop_url}/orders", json=order, timeout=20).status_code == 201

    def lines() -> list[str]:
        return requests.get(f"{shop_url}/metrics", timeout=20).text.splitlines()

    assert wait_until(lambda: 'shop_orders_fulfilled_total{sku="pot"} 1' in lines(), within=20)
    assert 'shop_orders_fulfilled_total{sku="cup"} 2' in lines()
    assert 'shop_items_fulfilled_total{sku="cup"} 7' in lines()
    assert "shop_orders_accepted_total 3" in lines()
    assert requests.get(f"{shop_url}/metrics", timeout=20).headers["Content-Type"] == CONTENT_TYPE


def test_an_order_may_be_counted_wrong(shop_url: str) -> None:
    order = {"sku": "cup", "quantity": 4, "break": "metrics-value"}
    assert requests.post(f"{shop_url}/orders", json=order, timeout=20).status_code == 201
    wanted = 'shop_items_fulfilled_total{sku="cup"} 5'
    assert wait_until(lambda: wanted in requests.get(f"{shop_url}/metrics", timeout=20).text, within=20)
