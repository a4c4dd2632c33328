"""Pages of a running service, read without a browser."""

from __future__ import annotations

import re

import requests

from tests.servers.stack import ADMIN_EMAIL, ADMIN_PASSWORD


def signed_in(url: str) -> requests.Session:
    """Return a session in which the administrator has signed in."""
    browser = requests.Session()
    form = browser.get(f"{url}/sign-in", timeout=20).text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token is not None
    fields = {"username": ADMIN_EMAIL, "password": ADMIN_PASSWORD, "csrfmiddlewaretoken": token[1]}
    browser.post(f"{url}/sign-in", data=fields, headers={"Referer": url}, timeout=20).raise_for_status()
    return browser
