"""Cookie jars of the http step."""

from __future__ import annotations

import json

from steprunners.clients.http.config import HttpConfig
from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import RUNNER, answer, run
from tests.steprunners.target import Target


class TestCookies:
    def test_a_jar_is_shared_by_its_name(self, target: Target, make_context: MakeContext) -> None:
        target.route(
            "/login",
            lambda exchange: exchange.reply(
                headers=[
                    ("Set-Cookie", "sid=1; Path=/; HttpOnly"),
                    ("Set-Cookie", "deep=2; Path=/deep"),
                    ("Set-Cookie", "gone=3; Max-Age=0"),
                    ("Set-Cookie", "other=4; Domain=example.com"),
                ]
            ),
        )
        config = HttpConfig.model_validate({"url": target.url + "/login", "cookieJar": "main"})
        first = RUNNER.run(config, make_context())
        assert first.result["cookies"] == {"sid": "1", "deep": "2"}
        assert RUNNER.session_key(config) == "http:main"
        stored = json.loads(json.dumps(first.session))
        run(make_context(session=stored), url=target.url + "/a", cookieJar="main")
        run(
            make_context(session=stored),
            url=target.url + "/deep",
            cookieJar="main",
            headers={"Cookie": "own=0"},
        )
        run(make_context(), url=target.url + "/a")
        assert [exchange.headers.get("cookie") for exchange in target.received[1:]] == [
            "sid=1", "own=0; deep=2; sid=1", None,
        ]  # fmt: skip

    def test_without_a_jar_nothing_is_kept(self, target: Target, make_context: MakeContext) -> None:
        url = target.route("/", answer({"Set-Cookie": "a=1"}, b""))
        config = HttpConfig.model_validate({"url": url})
        assert RUNNER.run(config, make_context()).session is None
        assert RUNNER.session_key(config) is None

    def test_a_cookie_set_by_a_redirect_is_sent_on(self, target: Target, make_context: MakeContext) -> None:
        target.route("/in", answer({"Set-Cookie": "a=1; Path=/", "Location": "/home"}, b"", 302))
        result = run(make_context(), url=target.url + "/in")
        assert target.received[1].headers["cookie"] == "a=1"
        assert result["cookies"] == {"a": "1"}
