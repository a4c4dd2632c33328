"""Runs requests truly at the same moment: each in a thread with a database connection of its own, after one barrier."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User

#: How much later than the other one a request may begin, in seconds: so each meets the other at another place.
LATEST = 0.006
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What a request came to."""

    status: int
    data: Any = None

    @property
    def ok(self) -> bool:
        """Whether it was carried out."""
        return self.status < 400

    @property
    def codes(self) -> set[str]:
        """The codes of its errors."""
        errors = self.data.get("errors", []) if isinstance(self.data, dict) else []
        return {each["code"] for each in errors}


Request = Callable[[], Answer]


def api(user: User | None, method: str, path: str, body: Any = None, **headers: Any) -> Request:
    """Return a request to the REST API as the user; path is below `/api/v1/`."""

    def ask() -> Answer:
        client = APIClient(raise_request_exception=False)
        if user is not None:
            client.force_authenticate(User.objects.filter(pk=user.pk).first())  # as whoever signs in now
        response = client.generic(
            method, f"/api/v1/{path}", **_json(body), HTTP_ACCEPT="application/json", **headers
        )
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return Answer(response.status_code, response.json() if is_json else None)

    return ask


def _json(body: Any) -> dict[str, Any]:
    if body is None:
        return {}
    return {"data": json.dumps(body), "content_type": "application/json"}


def page(client: Client, path: str, form: Any, content_type: str = "") -> Request:
    """Return what a page sends; `client` is signed in, and this request's alone."""
    client.raise_request_exception = False
    kind: dict[str, Any] = {"content_type": content_type} if content_type else {}

    def ask() -> Answer:
        return Answer(client.post(path, form, **kind).status_code)

    return ask


class Threads:
    """Threads that keep their database connections from one race to the next."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pool = ThreadPoolExecutor(most)

    def race(self, requests: Sequence[Request]) -> list[Answer]:
        """Carry out all at the same moment; return their answers in the same order."""
        barrier = threading.Barrier(len(requests))

        def run(request: Request) -> Answer:
            barrier.wait(TIMEOUT_SECONDS)
            time.sleep(random.uniform(0, LATEST))
            return request()

        return [each.result(TIMEOUT_SECONDS) for each in [self._pool.submit(run, one) for one in requests]]

    def close(self) -> None:
        """Give the connections back."""
        barrier = threading.Barrier(self._most)

        def end() -> None:
            barrier.wait(TIMEOUT_SECONDS)
            connection.close()

        for each in [self._pool.submit(end) for _ in range(self._most)]:
            each.result(TIMEOUT_SECONDS)
        self._pool.shutdown()


@contextmanager
def threads(most: int = 2) -> Iterator[Threads]:
    """Give so many threads, and end them."""
    made = Threads(most)
    try:
        yield made
    finally:
        made.close()
