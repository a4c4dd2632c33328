"""A running shop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.server import ShopServer
from lab.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop.sqlite3", delay_ms=100)
    yield shop
    shop.close()


@pytest.fixture
def shop_url(shop: Shop) -> Iterator[str]:
    """The address of the shop's API."""
    server = ShopServer(("127.0.0.1", 0), shop)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()
