"""Tests of `accounts.pages.tokens`."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiToken, Team, User
from accounts.services import tokens
from tests.cast import PageFor

FORM = {"name": "Nightly", "scopes": ["READ", "RUN"], "team": "", "days": "30"}


def test_a_token_is_made_shown_once_and_revoked(page: PageFor, alice: User, team: Team) -> None:
    browser = page(alice)
    made = browser.post("/profile/tokens", {**FORM, "team": str(team.pk)})
    found = re.search(r"ats_[\w-]{43}", made.content.decode())
    assert found is not None
    token = tokens.find_token(found.group())
    assert (token.user, token.team, token.scopes) == (alice, team, ["READ", "RUN"])
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)
    assert "no-store" in made["Cache-Control"]
    text = browser.get("/profile/tokens").content.decode()
    assert "Nightly" in text
    assert found.group() not in text
    assert browser.post(f"/profile/tokens/{token.pk}/revoke").status_code == 302
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("name", ""), ("scopes", []), ("scopes", ["ROOT"]), ("days", "9999"), ("team", "a stranger's")],
)
def test_wrong_wishes_are_told(
    page: PageFor, alice: User, other_team: Team, name: str, value: str | list[str]
) -> None:
    wrong = str(other_team.pk) if name == "team" else value
    answer = page(alice).post("/profile/tokens", {**FORM, name: wrong})
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [name]
    assert "field-error" in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_others_tokens_are_not_there(page: PageFor, alice: User, bob: User) -> None:
    token, _ = tokens.create_token(
        user=alice, name="Hers", scopes=["READ"], expires_at=timezone.now() + timedelta(days=1)
    )
    assert "Hers" not in page(bob).get("/profile/tokens").content.decode()
    assert page(bob).post(f"/profile/tokens/{token.pk}/revoke").status_code == 404
    assert ApiToken.objects.exists()
