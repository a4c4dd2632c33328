"""`python tools/image_flow.py URL`: look at the service's pages and run a flow of the demo shop over REST.

A part of tools/image_check.sh. ADMIN_EMAIL and ADMIN_PASSWORD say who signs in. Exit code 1, with a line that says why,
where an answer is not as it should be or the run does not end COMPLETED.
"""

from __future__ import annotations

import os
import re
import sys
import time
from typing import Any

import requests

FLOW = "Order is fulfilled"
READY_SECONDS = 60
RUN_SECONDS = 60
POLL_SECONDS = 0.2
TERMINAL = ("COMPLETED", "FAILED", "CANCELLED")


class Wrong(Exception):
    """The service does not do what it should; the message says what was seen."""


class Service:
    """The service at `url`, called as the proxy in front of it does: what browsers sent came by HTTPS."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["X-Forwarded-Proto"] = "https"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Return the response; raises Wrong for 4xx and 5xx."""
        answer = self._session.request(method, self.url + path, timeout=20, **options)
        if not answer.ok:
            raise Wrong(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer

    def sign_in(self, *, email: str, password: str) -> None:
        """Use the API as this user from now on."""
        answer = self.call("POST", "/api/v1/auth/login", json={"email": email, "password": password})
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access']}"


def main(url: str) -> None:
    """Do all of it; raises Wrong."""
    service = Service(url)
    _await_ready(service)
    _look_at_pages(service)
    service.sign_in(email=os.environ["ADMIN_EMAIL"], password=os.environ["ADMIN_PASSWORD"])
    _run(service)


def _await_ready(service: Service) -> None:
    """Wait until database, broker and a worker answer."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            service.call("GET", "/readyz")
        except (requests.ConnectionError, Wrong) as problem:
            if time.monotonic() > deadline:
                raise Wrong(f"not ready within {READY_SECONDS} s: {problem}") from problem
            time.sleep(POLL_SECONDS)
        else:
            return


def _look_at_pages(service: Service) -> None:
    """Load the sign-in page with the style sheets and scripts that it names."""
    page = service.call("GET", "/sign-in").text
    files = re.findall(r'(?:href|src)="(/static/[^"#]+)', page)
    if not files:
        raise Wrong("the sign-in page names no files below /static/")
    for path in files:
        service.call("GET", path)
    print(f"  sign-in page and its {len(files)} static files: 200")


def _run(service: Service) -> None:
    """Run the flow until it is COMPLETED."""
    flows = service.call("GET", "/api/v1/flows").json()["results"]
    ids = [flow["id"] for flow in flows if flow["name"] == FLOW]
    if not ids:
        raise Wrong(f"there is no flow “{FLOW}” but {[flow['name'] for flow in flows]}")
    execution = service.call("POST", f"/api/v1/flows/{ids[0]}/run", json={}).json()
    deadline = time.monotonic() + RUN_SECONDS
    while execution["status"] not in TERMINAL and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        execution = service.call("GET", f"/api/v1/executions/{execution['id']}").json()
    if execution["status"] != "COMPLETED":
        raise Wrong(f"the run is {execution['status']} after {RUN_SECONDS} s at most: {_steps(execution)}")
    print(f"  “{FLOW}”: COMPLETED, {_steps(execution)}")


def _steps(execution: dict[str, Any]) -> str:
    return ", ".join(_told(step) for step in execution.get("steps") or [])


def _told(step: dict[str, Any]) -> str:
    message = (step.get("error") or {}).get("message", "")
    return f"{step['name']} {step['status']}" + (f" ({message})" if message else "")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (Wrong, requests.RequestException) as problem:
        sys.exit(f"image_flow: {problem}")
