"""Tests of `accounts.mail.tasks` on a whole installation: what the web server is asked for, the worker sends."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import requests

from tests.servers.stack import ADMIN_EMAIL, LiveStack

PATIENCE = 30  # seconds


def test_a_worker_sends_the_mail_and_its_link_works(live_stack: LiveStack) -> None:
    def mailed() -> str:
        found = re.findall(
            r"http://127\.0\.0\.1:8000(/reset-password/\S+)", live_stack.worker.log.read_text()
        )
        return found[-1] if found else ""

    answer = requests.post(
        f"{live_stack.url}/api/v1/auth/forgot-password", json={"email": ADMIN_EMAIL}, timeout=20
    )
    assert answer.status_code == 202
    page = requests.get(live_stack.url + eventually(mailed), timeout=20)
    assert page.url == f"{live_stack.url}/reset-password"  # followed, and the token is not in the address
    assert ADMIN_EMAIL in page.text


def eventually(value: Callable[[], str]) -> str:
    """Return what `value` gives once it is not empty."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := value():
            return found
        time.sleep(0.1)
    raise AssertionError("no mail")
