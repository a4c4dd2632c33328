"""One client a cluster and worker process, made when first needed and dropped when its resource has changed."""

from __future__ import annotations

import os
import threading
import time

from steprunners.clients.kafka.client import KafkaClient
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.network import NetworkPolicy

#: A client that nobody has used for this long is closed, in seconds; a changed resource leaves its old one unused.
IDLE_SECONDS = 300.0
#: The most clients of a process; each has a thread and a connection to each broker that it uses.
MOST = 32

_lock = threading.Lock()
_clients: dict[tuple[int, str, NetworkPolicy], KafkaClient] = {}


def client_of(connection: KafkaConnection, policy: NetworkPolicy) -> KafkaClient:
    """Return the process's client for exactly this config and policy."""
    # The process belongs to the key: a fork inherits the dictionary, but not the clients' threads.
    key = (os.getpid(), connection.model_dump_json(), policy)
    with _lock:
        client = _clients.get(key)
        if client is None:
            client = _clients[key] = KafkaClient(connection, policy)
        client.used_at = time.monotonic()
        unused = _take_unused()
    for each in unused:
        each.close()
    return client


def _take_unused() -> list[KafkaClient]:
    """Take the clients out of the pool that are idle, and the longest unused ones where there are too many."""
    oldest_first = sorted(_clients, key=lambda key: _clients[key].used_at)
    too_many = len(oldest_first) - MOST
    limit = time.monotonic() - IDLE_SECONDS
    taken = [
        key for place, key in enumerate(oldest_first) if place < too_many or _clients[key].used_at < limit
    ]
    clients = [_clients.pop(key) for key in taken]
    return [client for key, client in zip(taken, clients, strict=True) if key[0] == os.getpid()]


def close_clients() -> None:
    """Close every client of this process."""
    with _lock:
        clients = [client for key, client in _clients.items() if key[0] == os.getpid()]
        _clients.clear()
    for client in clients:
        client.close()
