"""Headers that every answer carries, whoever gave it."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from accounts.models import Team, User
from asynctester.middleware.headers import CONTENT_SECURITY_POLICY
from flows.documents.document import check_document
from flows.services import create_flow
from tests.cast import PASSWORD, PageFor
from tests.executions.rows import make_attempt, make_execution, make_step

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/sign-in", "/api/v1/flows", "/healthz", "/nowhere", "/admin/login/", "/?x=%00"]
)
def test_every_answer_is_protected(client: Client, path: str) -> None:
    headers = client.get(path).headers

    assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "no-store" in headers["Cache-Control"]
    assert "private" in headers["Cache-Control"]


def test_the_policy_allows_nothing_inline() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; script-src 'self'; style-src 'self';")


def test_the_same_where_requests_are_async(async_client: AsyncClient) -> None:
    answer = async_to_sync(async_client.get)("/healthz")
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


def test_cookies_are_for_the_server_alone(client: Client, bob: User) -> None:
    form = client.get("/sign-in")
    answer = client.post("/sign-in", {"username": bob.email, "password": PASSWORD})
    for cookie in (form.cookies["csrftoken"], answer.cookies["sessionid"]):
        assert cookie["httponly"] is True
        assert cookie["samesite"] == "Lax"


def test_a_session_needs_the_csrf_token(bob: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(bob)

    refused = browser.post("/api/v1/flows", {"name": "x"}, content_type="application/json")
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["errors"][0]["detail"]
    assert browser.post("/sign-out").status_code == 403


def test_a_host_that_is_not_ours_is_refused(client: Client) -> None:
    for path in ("/sign-in", "/api/v1/flows"):
        assert client.get(path, headers={"host": "evil.example"}).status_code == 400


HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
def hostile(team: Team) -> str:
    """An execution whose every text is markup."""
    execution = make_execution(
        team, flow_name=HOSTILE, labels=[HOSTILE], status="FAILED", error={"code": "x", "message": HOSTILE}
    )
    fields: dict[str, Any] = {
        "response": {"body": HOSTILE},
        "request": {"url": HOSTILE},
        "error": {"code": "x", "message": HOSTILE},
    }
    step = make_step(
        execution,
        status="ERROR",
        assertions=[{"field": HOSTILE, "message": HOSTILE, "passed": False}],
        **fields,
    )
    make_attempt(step, **fields)
    return str(execution.pk)


def test_admin_pages_show_results_as_text(page: PageFor, alice: User, hostile: str) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    browser = page(alice)
    step = (
        browser.get("/admin/executions/executionstep/")
        .content.decode()
        .split("/change/")[0]
        .rsplit("/", 1)[1]
    )
    attempt = (
        browser.get("/admin/executions/stepattempt/").content.decode().split("/change/")[0].rsplit("/", 1)[1]
    )

    for path in (
        "execution/",
        f"execution/{hostile}/change/",
        f"executionstep/{step}/change/",
        f"stepattempt/{attempt}/change/",
    ):
        shown = browser.get(f"/admin/executions/{path}")
        assert shown.status_code == 200
        assert "&lt;script&gt;alert(1)" in shown.content.decode(), path
        assert "<script>alert(1)" not in shown.content.decode(), path


def test_downloads_are_no_pages(page: PageFor, bob: User, hostile: str, team: Team) -> None:
    step = {"name": "wait", "stepType": "delay", "meta": {"delayMs": 1}}
    create_flow(team=team, user=bob, document=check_document({"name": HOSTILE, "steps": [step]}))
    browser = page(bob)
    junit = browser.get(f"/api/v1/executions/{hostile}/junit.xml")
    export = browser.get("/api/v1/flows/export")
    json = browser.get(f"/api/v1/executions/{hostile}", headers={"accept": "application/json"})

    assert junit.headers["Content-Type"].startswith("application/xml")
    assert b"<script>" not in junit.content
    assert export.headers["Content-Type"].startswith("application/yaml")
    assert "attachment" in export.headers["Content-Disposition"]
    assert json.headers["Content-Type"].startswith("application/json")
    for answer in (junit, export, json):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
