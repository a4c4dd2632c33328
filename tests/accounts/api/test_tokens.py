"""Tests of `accounts.api.views.tokens` and `accounts.api.api_token`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.api.api_token import Scope, needed_scope
from accounts.api.base import milliseconds
from accounts.models import ApiToken, AuditEvent, Team, User
from accounts.services import tokens
from tests.cast import ApiFor

TOKENS = "/api/v1/tokens"
FLOW: dict[str, Any] = {"name": "Wait", "steps": [{"name": "w", "stepType": "delay", "meta": {"delayMs": 1}}]}


def _with(user: User, *scopes: str, team: Team | None = None, seconds: int = 60) -> APIClient:
    """Return a client that sends a token of the user with these scopes."""
    expires_at = timezone.now() + timedelta(seconds=seconds)
    _, secret = tokens.create_token(user=user, name="CI", scopes=scopes, expires_at=expires_at, team=team)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


def _error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_a_token_is_made_shown_once_and_used(api: ApiFor, alice: User, team: Team) -> None:
    made = api(alice).post(TOKENS, {"name": "CI", "scopes": ["read", "RUN"], "teamId": str(team.id)})
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    body = made.json()
    assert body["scopes"] == ["READ", "RUN"]
    assert body["teamId"] == str(team.id)
    assert abs(body["expiresAt"] - body["createdAt"] - 90 * 86_400_000) < 60_000
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Token {body['token']}")
    assert program.get("/api/v1/flows").status_code == 200
    (listed,) = api(alice).get(TOKENS).json()["results"]
    assert listed["lastUsedAt"] is not None
    assert body["token"] not in str(listed)
    assert api(alice).get(f"{TOKENS}/{body['id']}").json() == listed
    assert api(alice).patch(f"{TOKENS}/{body['id']}", {"name": "Nightly"}).json()["name"] == "Nightly"
    assert api(alice).delete(f"{TOKENS}/{body['id']}").status_code == 204
    assert _error(program.get("/api/v1/flows")) == (401, "token_not_valid")
    actions = list(AuditEvent.objects.order_by("at").values_list("action", flat=True))
    assert actions == ["token.create", "token.rename", "token.revoke"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["admin"]}, "scopes.0"),
        ({"scopes": "READ"}, "scopes"),
        ({"expiresAt": 0}, "expiresAt"),
        ({"expiresAt": 4_000_000_000_000}, "expiresAt"),
        ({"expiresAt": 10**40}, "expiresAt"),
        ({"expiresAt": "soon"}, "expiresAt"),
        ({"teamId": str(uuid4())}, "teamId"),
        ({"teamId": "x"}, "teamId"),
        ({"user": "x"}, "user"),
    ],
)
def test_bad_wishes_are_refused_at_their_place(
    api: ApiFor, alice: User, change: dict[str, Any], place: str
) -> None:
    answer = api(alice).post(TOKENS, {"name": "CI", "scopes": ["READ"], **change})
    assert answer.status_code == 400
    assert [error["attr"] for error in answer.json()["errors"]] == [place]


def test_the_longest_life_is_a_year(api: ApiFor, alice: User) -> None:
    a_year = milliseconds(timezone.now() + tokens.LONGEST_LIFE)
    assert api(alice).post(TOKENS, {"name": "CI", "scopes": ["READ"], "expiresAt": a_year}).status_code == 201


def test_others_tokens_are_not_there(api: ApiFor, alice: User, bob: User, other_team: Team) -> None:
    _with(alice, "READ")
    token = ApiToken.objects.get()
    for method in ("get", "patch", "delete"):
        assert getattr(api(bob), method)(f"{TOKENS}/{token.pk}").status_code == 404
    assert api(bob).get(TOKENS).json()["count"] == 0
    theirs = api(alice).post(TOKENS, {"name": "CI", "scopes": ["READ"], "teamId": str(other_team.id)})
    assert _error(theirs) == (400, "does_not_exist")


def test_one_too_many_is_a_conflict(api: ApiFor, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 0)
    assert _error(api(alice).post(TOKENS, {"name": "CI", "scopes": ["READ"]})) == (409, "too_many_tokens")


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "flows", "READ"),
        ("HEAD", "flows", "READ"),
        ("OPTIONS", "flows", "READ"),
        ("GET", "audit-log", "READ"),
        ("GET", "profile", "READ"),
        ("POST", "flows/validate", "READ"),
        ("POST", "flows/run", "RUN"),
        ("POST", "flows/1/run", "RUN"),
        ("POST", "executions/1/cancel", "RUN"),
        ("POST", "executions/1/rerun", "RUN"),
        ("POST", "resources/1/check", "RUN"),
        ("POST", "test-suites/run", "RUN"),
        ("POST", "triggers/1/fire", "RUN"),
        ("POST", "flows", "WRITE"),
        ("POST", "flows/import", "WRITE"),
        ("PUT", "flows/run", "WRITE"),
        ("DELETE", "executions/1", "WRITE"),
        ("DELETE", "flows/run", "WRITE"),
        ("PATCH", "environments/1", "WRITE"),
        ("POST", "flows/1/versions/2/restore", "WRITE"),
        ("GET", "tokens", None),
        ("POST", "tokens", None),
        ("DELETE", "tokens/1", None),
        ("POST", "auth/login", None),
        ("PATCH", "profile", None),
        ("POST", "profile/password", None),
        ("POST", "users", None),
        ("PATCH", "organisations/1", None),
        ("POST", "teams/1/members", None),
    ],
)
def test_what_a_request_needs(method: str, path: str, needed: str | None) -> None:
    assert needed_scope(method, f"/api/v1/{path}") == (Scope(needed) if needed else None)


@pytest.mark.parametrize("scope", ["READ", "RUN", "WRITE"])
def test_each_scope_opens_its_own_doors(alice: User, team: Team, scope: str) -> None:
    client = _with(alice, scope)
    answers = {
        "READ": client.get("/api/v1/flows"),
        "RUN": client.post("/api/v1/flows/run", {"flow": FLOW}),
        "WRITE": client.post("/api/v1/flows", FLOW),
    }
    for needed, answer in answers.items():
        if needed == scope:
            assert answer.status_code < 300
        else:
            assert _error(answer) == (403, "wrong_scope")
            assert f"the scope {needed}" in answer.json()["errors"][0]["detail"]


def test_a_token_does_not_lift_its_users_role(vera: User, team: Team) -> None:
    assert _with(vera, "READ", "RUN", "WRITE").post("/api/v1/flows", FLOW).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "tokens"),
        ("post", "tokens"),
        ("patch", "profile"),
        ("post", "organisations"),
        ("post", "teams"),
    ],
)
def test_accounts_are_for_people(alice: User, method: str, path: str) -> None:
    client = _with(alice, "READ", "RUN", "WRITE")
    assert _error(getattr(client, method)(f"/api/v1/{path}", {"name": "x"})) == (403, "token_not_accepted")


def test_a_bound_token_stays_in_its_team(alice: User, team: Team, api: ApiFor) -> None:
    other = Team.objects.create(organisation=team.organisation, name="Billing")
    hidden = api(alice).post("/api/v1/flows", {**FLOW, "teamId": str(other.id)}).json()["id"]
    client = _with(alice, "READ", "WRITE", team=team)
    made = client.post("/api/v1/flows", FLOW)  # no need to say which team
    assert made.json()["teamId"] == str(team.id)
    assert client.get("/api/v1/flows").json()["count"] == 1
    assert client.get(f"/api/v1/flows/{hidden}").status_code == 404
    assert _error(client.post("/api/v1/flows", {**FLOW, "teamId": str(other.id)})) == (400, "does_not_exist")
    event = AuditEvent.objects.filter(action="flow.create").first()
    assert event is not None
    assert (event.door, event.token_id) == ("API", ApiToken.objects.get().pk)


def test_an_expired_token_says_so(alice: User) -> None:
    assert _error(_with(alice, "READ", seconds=0).get("/api/v1/flows")) == (401, "token_expired")


@pytest.mark.parametrize(
    "header", ["Token", "Token a b", "Token ats_nonsense", "token \xff\xfe", "Token " + "x" * 9_000]
)
def test_what_is_no_token_is_refused(db: None, header: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)
    assert _error(client.get("/api/v1/flows")) == (401, "token_not_valid")
