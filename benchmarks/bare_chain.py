"""The yardstick: a Celery application with one task that makes an HTTP call, and nothing else.

It has the engine's worker options and broker options, but no database, no live updates, no references.
"""

from __future__ import annotations

import os
import threading
import time

import requests
from celery import Celery, chain

app = Celery("bare_chain", broker=os.environ.get("BARE_BROKER_URL", "redis://127.0.0.1:1/0"))
app.conf.update(
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"socket_timeout": 1, "socket_connect_timeout": 1, "retry_on_timeout": False},
    task_publish_retry=False,
)

_thread = threading.local()


def session() -> requests.Session:
    """Return this thread's session: kept connections, no look at the machine's proxies."""
    if not hasattr(_thread, "session"):
        _thread.session = requests.Session()
        _thread.session.trust_env = False
    found: requests.Session = _thread.session
    return found


def call(url: str) -> int:
    """Make the call, read its JSON, and pass one value on."""
    response = session().get(url, timeout=30)
    response.raise_for_status()
    return int(response.json()["id"])


def loop_ms(url: str, times: int) -> float:
    """Make that many calls one after the other; return the ms that they took."""
    call(url)  # opens the connection
    started = time.perf_counter()
    for _ in range(times):
        call(url)
    return (time.perf_counter() - started) * 1000


@app.task(name="bare.call", ignore_result=True)
def call_task(url: str) -> None:
    """Make the call in a worker."""
    call(url)


def publish(url: str, steps: int) -> None:
    """Publish a literal chain of that many calls."""
    chain(*[call_task.si(url) for _ in range(steps)]).apply_async()
