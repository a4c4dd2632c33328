"""Who may open a stream: bearer tokens, and session cookies from pages of our own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.models import ApiToken, Team, User
from accounts.services.tokens import create_token
from accounts.sign_in import sessions
from executions.live import stream
from executions.live.authentication import chosen_subprotocol, log_in, same_origin
from executions.models import Execution
from tests.cast import PageFor
from tests.executions.live.conftest import Watch
from tests.executions.rows import make_execution


def scope(*subprotocols: str, **headers: str) -> dict[str, Any]:
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"subprotocols": list(subprotocols), "headers": pairs}


@pytest.fixture
def cookie(page: PageFor, alice: User) -> str:
    """Alice's session, as her browser sends it."""
    return f"theme=dark; sessionid={page(alice).cookies['sessionid'].value}"


@pytest.mark.django_db
class TestTokens:
    def test_valid(self, alice: User) -> None:
        token = AccessToken.for_user(alice)
        login = log_in(scope("bearer", str(token)))
        assert login is not None
        assert login.user == alice
        assert login.expires_at == token["exp"]

    @pytest.mark.parametrize("raw", ["", "x", "a.b.c", "é"])
    def test_nonsense(self, raw: str) -> None:
        assert log_in(scope("bearer", raw)) is None

    def test_missing_or_too_many(self, alice: User) -> None:
        token = str(AccessToken.for_user(alice))
        assert log_in(scope("bearer")) is None
        assert log_in(scope("bearer", token, token)) is None

    def test_refresh_token_does_not_open(self, alice: User) -> None:
        assert log_in(scope("bearer", str(RefreshToken.for_user(alice)))) is None

    def test_expired(self, alice: User) -> None:
        token = AccessToken.for_user(alice)
        token.set_exp(lifetime=timedelta(seconds=-1))
        assert log_in(scope("bearer", str(token))) is None

    def test_changed_password_and_inactive_user(self, alice: User) -> None:
        token = str(AccessToken.for_user(alice))
        alice.set_password("another password")
        alice.save()
        assert log_in(scope("bearer", token)) is None
        token = str(AccessToken.for_user(alice))
        User.objects.filter(pk=alice.pk).update(is_active=False)
        assert log_in(scope("bearer", token)) is None

    def test_an_api_token_that_may_read(self, alice: User) -> None:
        def made(scopes: list[str], seconds: int) -> tuple[ApiToken, str]:
            expires_at = timezone.now() + timedelta(seconds=seconds)
            return create_token(user=alice, name="CI", scopes=scopes, expires_at=expires_at)

        token, secret = made(["READ"], 60)
        login = log_in(scope("bearer", secret))
        assert login is not None
        assert (login.user, login.expires_at) == (alice, token.expires_at.timestamp())
        for scopes, seconds in ((["RUN", "WRITE"], 60), (["READ"], 0)):
            assert log_in(scope("bearer", made(scopes, seconds)[1])) is None
        assert log_in(scope("bearer", secret + "x")) is None

    def test_a_bad_token_is_not_saved_by_a_cookie(self, cookie: str) -> None:
        headers = {"cookie": cookie, "host": "testserver", "origin": "http://testserver"}
        assert log_in(scope("bearer", "x", **headers)) is None


@pytest.mark.django_db
class TestSessions:
    def test_own_page(self, cookie: str, alice: User) -> None:
        login = log_in(scope(cookie=cookie, host="testserver", origin="http://testserver"))
        assert login is not None
        assert login.user == alice
        assert login.expires_at is None

    @pytest.mark.parametrize(
        "origin", ["http://evil.example", "null", "", "http://testserver:81", "http://["]
    )
    def test_foreign_page(self, cookie: str, origin: str) -> None:
        assert log_in(scope(cookie=cookie, host="testserver", origin=origin)) is None

    @pytest.mark.parametrize("value", ["", "sessionid=", "sessionid=nonsense", "sessionid=%00; x", "=;=;"])
    def test_no_session(self, value: str) -> None:
        assert log_in(scope(cookie=value, host="testserver", origin="http://testserver")) is None

    def test_changed_password_ends_it(self, cookie: str, alice: User) -> None:
        alice.set_password("another password")
        alice.save()
        assert log_in(scope(cookie=cookie, host="testserver", origin="http://testserver")) is None


def test_trusted_origins(settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.com"]
    assert same_origin("https://shop.example.com", "testserver")
    assert not same_origin("http://shop.example.com", "testserver")
    assert not same_origin("https://example.org", "testserver")


def test_a_host_that_is_not_ours(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    assert not same_origin("http://rebound.example", "rebound.example")


def test_subprotocol_in_the_answer() -> None:
    assert chosen_subprotocol(scope("bearer", "x")) == "bearer"
    assert chosen_subprotocol(scope()) is None


@pytest.mark.django_db(transaction=True)
class TestOverSockets:
    @pytest.fixture
    def execution(self, team: Team) -> Execution:
        return make_execution(team)

    def test_cookie(self, watch: Watch, live_port: int, cookie: str, execution: Execution) -> None:
        origin = f"http://127.0.0.1:{live_port}"
        with watch(
            f"executions/{execution.pk}", additional_headers={"Cookie": cookie}, origin=origin
        ) as client:
            assert client.next()["updateType"] == "SNAPSHOT"

    def test_cookie_of_a_foreign_page(self, watch: Watch, cookie: str, execution: Execution) -> None:
        headers = {"Cookie": cookie}
        foreign = "http://evil.example"
        with watch(f"executions/{execution.pk}", additional_headers=headers, origin=foreign) as client:
            assert client.until_close() == ([], 4401)

    def test_token_that_expires_meanwhile(self, watch: Watch, alice: User, execution: Execution) -> None:
        token = AccessToken.for_user(alice)
        token.set_exp(lifetime=timedelta(seconds=3))
        with watch(f"executions/{execution.pk}", subprotocols=["bearer", str(token)]) as client:
            assert client.next()["updateType"] == "SNAPSHOT"
            assert client.until_close() == ([], 4401)

    @pytest.mark.parametrize("door", ["cookie", "token"])
    @pytest.mark.parametrize("end", ["password", "everywhere"])
    def test_a_login_that_ends_ends_its_streams(
        self, watch: Watch, live_port: int, cookie: str, alice: User, execution: Execution,
        monkeypatch: pytest.MonkeyPatch, door: str, end: str,
    ) -> None:  # fmt: skip
        assert stream.LOGIN_CHECK <= 60
        monkeypatch.setattr(stream, "LOGIN_CHECK", 0.2)
        origin = f"http://127.0.0.1:{live_port}"
        options: dict[str, Any] = (
            {"additional_headers": {"Cookie": cookie}, "origin": origin}
            if door == "cookie"
            else {"subprotocols": ["bearer", sessions.access_token(user=alice)]}
        )
        with watch(f"executions/{execution.pk}", **options) as client:
            assert client.next()["updateType"] == "SNAPSHOT"
            if end == "password":
                alice.set_password("quite another password")
                alice.save()
            else:
                sessions.end_all(user=alice)
            assert client.until_close() == ([], 4401)

    def test_token_in_the_address_does_not_count(
        self, watch: Watch, alice: User, execution: Execution
    ) -> None:
        token = AccessToken.for_user(alice)
        with watch(f"executions/{execution.pk}/stream?token={token}&x=") as client:
            assert client.until_close()[1] in (4401, 4404)
