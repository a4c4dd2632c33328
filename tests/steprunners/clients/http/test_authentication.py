"""OAuth 2.0 tokens of the http step."""

from __future__ import annotations

import base64

import pytest

from steprunners.errors import StepError
from steprunners.network import NetworkPolicy
from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import answer, run
from tests.steprunners.target import Exchange, Target


class TestOAuth2:
    AUTH = {"type": "oauth2ClientCredentials", "clientId": "id", "clientSecret": "s+cret", "scope": "read"}

    def auth(self, target: Target, **changes: str) -> dict[str, str]:
        return {**self.AUTH, "tokenUrl": target.url + "/token", **changes}

    def test_token_is_fetched_once_and_known_as_secret(
        self, target: Target, make_context: MakeContext
    ) -> None:
        target.route(
            "/token", lambda exchange: exchange.reply_json({"access_token": "abcdef", "expires_in": 60})
        )
        context = make_context()
        for _ in range(2):
            run(context, url=target.url + "/x", auth=self.auth(target))
        assert [exchange.path for exchange in target.received] == ["/token", "/x", "/x"]
        token_call = target.received[0]
        assert token_call.body == b"grant_type=client_credentials&scope=read"
        assert base64.b64decode(token_call.headers["authorization"].removeprefix("Basic ")) == b"id:s%2Bcret"
        assert target.received[2].headers["authorization"] == "Bearer abcdef"
        assert context.known_secrets.texts == ("abcdef",)

    def test_another_secret_does_not_get_the_kept_token(
        self, target: Target, make_context: MakeContext
    ) -> None:
        target.route("/token", lambda exchange: exchange.reply_json({"access_token": "abc"}))
        run(make_context(), url=target.url + "/x", auth=self.auth(target))
        run(make_context(), url=target.url + "/x", auth=self.auth(target, clientSecret="guess"))
        assert [exchange.path for exchange in target.received].count("/token") == 2

    def test_credentials_in_the_body_where_the_server_wants_them_there(
        self, target: Target, make_context: MakeContext
    ) -> None:
        def token(exchange: Exchange) -> None:
            if b"client_secret=s%2Bcret" in exchange.body:
                exchange.reply_json({"access_token": "abc"})
            else:
                exchange.reply_json({"error": "invalid_client"}, 401)

        target.route("/token", token)
        run(make_context(), url=target.url + "/x", auth=self.auth(target))
        assert target.received[-1].headers["authorization"] == "Bearer abc"

    @pytest.mark.parametrize("status", [307, 308])
    def test_a_secret_in_the_body_follows_no_redirect(
        self, target: Target, make_context: MakeContext, status: int
    ) -> None:
        def token(exchange: Exchange) -> None:
            if b"client_secret" in exchange.body:
                exchange.reply(status, headers=[("Location", other.url + "/stolen")])
            else:
                exchange.reply_json({"error": "invalid_client"}, 401)

        target.route("/token", token)
        with Target() as other, pytest.raises(StepError) as caught:
            run(make_context(), url=target.url + "/x", auth=self.auth(target))
        assert caught.value.code == "token_refused"
        assert other.received == []

    def test_a_refused_token_is_forgotten(self, target: Target, make_context: MakeContext) -> None:
        target.route("/token", lambda exchange: exchange.reply_json({"access_token": "abc"}))
        target.route("/x", lambda exchange: exchange.reply(401))
        for _ in range(2):
            run(make_context(), url=target.url + "/x", auth=self.auth(target))
        assert [exchange.path for exchange in target.received] == ["/token", "/x"] * 2

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (400, b'{"error": "invalid_scope"}'),
            (200, b"{}"),
            (200, b"no json"),
            (500, b"x"),
            (200, b'{"access_token": "a\\r\\nb"}'),
            (200, b'{"access_token": 5}'),
        ],
    )
    def test_no_token(self, target: Target, make_context: MakeContext, status: int, body: bytes) -> None:
        target.route("/token", answer({}, body, status))
        with pytest.raises(StepError, match="no access token") as caught:
            run(make_context(), url=target.url + "/x", auth=self.auth(target))
        assert caught.value.code == "token_refused"
        assert "s+cret" not in caught.value.message

    def test_the_token_call_goes_through_the_guard(self, target: Target, make_context: MakeContext) -> None:
        context = make_context(network=NetworkPolicy(allowed=(f"127.0.0.1:{target.port}",)))
        with Target() as hidden, pytest.raises(StepError) as caught:
            run(context, url=target.url, auth=self.auth(hidden))
        assert caught.value.code == "address_refused"
