"""Calls from this machine to itself."""

from __future__ import annotations

from typing import Any

import requests

Json = dict[str, Any]
#: A machine that is busy with other things takes long over the first call of a process.
PATIENCE_SECONDS = 60


class Api:
    """The product's own REST API at `url`, called with `token` where one is given.

    Methods raise requests.RequestException, also for 4xx and 5xx.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url
        self.token = token
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy between this machine and itself would only be in the way
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> Json:
        """GET; return the parsed body."""
        return self._call("GET", path)

    def post(self, path: str, body: Json) -> Json:
        """POST JSON; return the parsed body."""
        return self._call("POST", path, json=body)

    def _call(self, method: str, path: str, **options: Any) -> Json:
        answer = self._session.request(method, f"{self.url}{path}", timeout=PATIENCE_SECONDS, **options)
        answer.raise_for_status()
        parsed: Json = answer.json()
        return parsed
