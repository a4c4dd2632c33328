"""The cache, on a real Valkey."""

from __future__ import annotations

import json

from redis import Redis

from lab.orders import Order
from lab.outlets.cache import LIFETIME_SECONDS, Cache


def test_an_order_has_a_key_for_an_hour_or_until_it_is_forgotten(shop_cache: int) -> None:
    url = f"redis://127.0.0.1:{shop_cache}/7"
    cache = Cache(url)
    cache.open()
    cache.write(Order("o-1", "cup", 2, "FULFILLED", 1, 9))
    with Redis.from_url(url) as client:
        kept = client.get("order:o-1")
        assert isinstance(kept, bytes)
        assert json.loads(kept) == {
            "id": "o-1", "sku": "cup", "quantity": 2, "status": "FULFILLED", "fulfilledAt": 9,
        }  # fmt: skip
        left = client.ttl("order:o-1")
        assert isinstance(left, int)
        assert 0 < left <= LIFETIME_SECONDS
        cache.forget("o-1")
        assert client.get("order:o-1") is None
    cache.close()
