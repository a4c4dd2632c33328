"""The shop over HTTP: good calls, and bad ones, which get 4xx and a reason."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
import requests

from asynctester.embedded.processes import wait_until


def test_an_order_is_made_seen_fulfilled_and_removed(shop_url: str) -> None:
    made = requests.post(f"{shop_url}/orders", json={"sku": "cup", "quantity": 4}, timeout=5)
    assert made.status_code == 201
    order = made.json()
    assert (order["status"], order["sku"], order["quantity"]) == ("ACCEPTED", "cup", 4)
    address = f"{shop_url}/orders/{order['id']}"

    assert wait_until(lambda: requests.get(address, timeout=5).json()["status"] == "FULFILLED", within=5)
    events = requests.get(f"{shop_url}/events", params={"orderId": order["id"]}, timeout=5).json()["events"]
    assert [event["type"] for event in events] == ["order.fulfilled"]
    assert requests.get(f"{shop_url}/events", timeout=5).json()["events"] == events

    assert requests.delete(address, timeout=5).status_code == 204
    assert requests.get(address, timeout=5).status_code == 404
    assert requests.delete(address, timeout=5).status_code == 404


def test_flaky_fails_twice_a_key(shop_url: str) -> None:
    statuses = [requests.get(f"{shop_url}/flaky?key=x", timeout=5).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert requests.get(f"{shop_url}/flaky?key=y&failures=0", timeout=5).status_code == 200


def test_slow_takes_its_time(shop_url: str) -> None:
    answer = requests.get(f"{shop_url}/slow?ms=150", timeout=5)
    assert answer.json() == {"waitedMs": 150}
    assert answer.elapsed.total_seconds() >= 0.15


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"quantity": 0}', b'{"quantity": 1001}', b'{"quantity": "2"}',
     b'{"quantity": true}', b'{"quantity": 1, "sku": ""}', b'{"quantity": 1, "sku": 7}', b"\xff",
     b"[" * 50_000],
)  # fmt: skip
def test_bad_orders_are_refused_with_a_reason(shop_url: str, body: bytes) -> None:
    answer = requests.post(f"{shop_url}/orders", data=body, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/orders", 405),
        ("DELETE", "/health", 405),
        ("GET", "/flaky", 400),
        ("GET", "/flaky?key=x&failures=-1", 400),
        ("GET", "/slow?ms=soon", 400),
        ("GET", "/slow?ms=60001", 400),
        ("GET", "/orders/no-such-order", 404),
    ],
)
def test_other_bad_calls(shop_url: str, method: str, path: str, status: int) -> None:
    assert requests.request(method, shop_url + path, timeout=5).status_code == status


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: many", b"400"),
        (b"Content-Length: -1", b"400"),
        (b"Content-Length: 70000", b"413"),
        (b"Transfer-Encoding: chunked", b"411"),
    ],
)
def test_bodies_of_unknown_or_too_great_length_end_the_connection(
    shop_url: str, head: bytes, status: bytes
) -> None:
    port = urlsplit(shop_url).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"POST /orders HTTP/1.1\r\nHost: shop\r\n" + head + b"\r\n\r\n")
        received = b""
        while chunk := client.recv(4096):
            received += chunk
    assert received.startswith(b"HTTP/1.1 " + status)
