"""Cookie jars: by themselves, and of the http step against a real server."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from steprunners.clients.http.config import HttpConfig
from steprunners.errors import StepError
from steprunners.network.cookies import CookieJar, target_of
from steprunners.runner import StepContext
from steprunners.values.sessions import merged
from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import RUNNER, answer, run
from tests.steprunners.target import Target

PAST = "Thu, 01 Jan 1970 00:00:01 GMT"


def received(*headers: str, url: str = "http://shop.example/", entries: Any = None) -> CookieJar:
    jar = CookieJar(entries)
    jar.receive(headers, target_of(url))
    return jar


def sent(jar: CookieJar, url: str = "http://shop.example/") -> str | None:
    return jar.header_for(target_of(url))


class TestJar:
    @pytest.mark.parametrize(
        "host", ["localhost", "127.0.0.1", "[::1]", "shop", "shop.example", "a.b.shop.example"]
    )
    @pytest.mark.parametrize(
        "attributes",
        [
            "", "; Domain=HOST", "; Domain=.HOST", "; Domain=", "; Domain", "; Max-Age=3600.5", "; Max-Age=",
            "; Max-Age=abc", "; Max-Age=60", "; Max-Age=0; Max-Age=600", "; Version=x", "; Version=1", "; Port=x",
            '; Port="1,2"', "; Expires=never", f"; Expires={PAST}; Max-Age=60", "; Expires=Tue, 19-Jan-38 03:14:07 GMT",
            "; Path=/", "; Path=x", "; HttpOnly; SameSite=None",
        ],
    )  # fmt: skip
    def test_is_sent_to_the_host_that_set_it(self, host: str, attributes: str) -> None:
        url = f"http://{host}:8080/a"
        jar = received("sid=1" + attributes.replace("HOST", host), url=url)
        assert sent(jar, url) == "sid=1"
        assert sent(jar, f"http://{host}:9090/b/c") == "sid=1"
        assert sent(jar, "http://other.test/") is None

    @pytest.mark.parametrize(
        "attributes",
        [
            "Max-Age=0", "Max-Age=-1", f"Expires={PAST}", "Expires=Thu, 01-Jan-99 00:00:00 GMT",
            "Expires=Fri, 31 Dec 9999 23:59:59 GMT; Max-Age=0", "Domain=example", "Domain=other.example",
            "Domain=op.example", "Domain=a.shop.example", "Path=/a", "Secure",
        ],
    )  # fmt: skip
    def test_is_not_sent(self, attributes: str) -> None:
        assert sent(received(f"sid=1; {attributes}")) is None

    def test_subdomains(self) -> None:
        jar = received("all=1; Domain=example.test", "own=2", url="http://shop.example.test/")
        assert sent(jar, "http://shop.example.test/") == "all=1; own=2"
        assert sent(jar, "http://a.shop.example.test/") == "all=1"
        assert sent(jar, "http://example.test/") == "all=1"
        assert sent(jar, "http://myexample.test/") is None

    def test_secure_is_for_https(self) -> None:
        jar = received("sid=1; Secure", url="https://shop.example/")
        assert sent(jar, "https://shop.example/") == "sid=1"
        assert sent(jar, "http://shop.example/") is None

    def test_longer_paths_come_first_then_older_cookies(self) -> None:
        jar = received(
            "a=1; Path=/", "b=2; Path=/x", "c=3; Path=/", "d=4; Path=/x/y", url="http://h.test/x/y"
        )
        jar.receive(["a=5; Path=/"], target_of("http://h.test/"))  # keeps its place
        assert sent(jar, "http://h.test/x/y") == "d=4; b=2; a=5; c=3"

    def test_one_cookie_for_a_domain_path_and_name(self) -> None:
        jar = received("a=1; Path=/", "a=2; Path=/", "a=3; Path=/x", "A=4; Path=/", url="http://h.test/x")
        assert sent(jar, "http://h.test/x") == "a=3; a=2; A=4"
        jar.receive(["a=; Max-Age=0; Path=/"], target_of("http://h.test/"))
        assert sent(jar, "http://h.test/x") == "a=3; A=4"

    def test_it_expires(self, monkeypatch: pytest.MonkeyPatch) -> None:
        jar = received("a=1; Max-Age=60", "b=2; Max-Age=120", "c=3")
        later = time.time() + 61
        monkeypatch.setattr("steprunners.network.cookies.jar.time.time", lambda: later)
        assert sent(jar) == "b=2; c=3"

    def test_texts(self) -> None:
        jar = received("a=\xc3\x85", "b=\xc5", "\xc3\x85=1", "gone=1", "gone=; Max-Age=0", "deep=2; Path=/x")
        assert jar.set_texts() == {"a": "Å", "b": "Å", "Å": "1", "deep": "2"}
        assert sent(jar) == "a=\xc3\x85; b=\xc5; \xc3\x85=1"

    def test_changes_are_json_and_make_the_same_jar(self) -> None:
        jar = received("a=\xff", "b=2; Domain=shop.example; Path=/x; Secure; Max-Age=60", "c=3; Max-Age=0")
        entries = json.loads(json.dumps(jar.changes))
        for url in ("http://shop.example/", "https://www.shop.example/x"):
            assert sent(CookieJar(entries), url) == sent(jar, url)
        assert len(entries) == 3, "the removal is an entry, too"

    def test_changes_at_the_same_time_are_merged(self) -> None:
        before = received("sid=1", "old=1").changes
        slow, quick = CookieJar(before), CookieJar(before)
        quick.receive(["sid=; Max-Age=0", "q=1"], target_of("http://shop.example/"))
        slow.receive(["s=1"], target_of("http://shop.example/"))
        for order in ([before, quick.changes, slow.changes], [slow.changes, quick.changes, before]):
            assert sent(CookieJar(merged(order))) == "old=1; q=1; s=1"

    def test_what_follows_is_later_also_by_a_clock_that_is_slow(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = received("sid=1").changes
        monkeypatch.setattr("steprunners.network.cookies.jar.time.time_ns", lambda: 0)
        second = received("sid=2", entries=first).changes
        assert sent(CookieJar(merged([second, first]))) == "sid=2"

    def test_a_flood_of_cookies_is_bounded(self) -> None:
        jar = CookieJar()
        for start in range(0, 4_000, 1_000):
            jar.receive((f"c{n}=1" for n in range(start, start + 1_000)), target_of("http://h.test/"))
        assert len(jar.changes) == 3_000
        jar.receive([f"large{n}={'x' * 60_000}" for n in range(40)], target_of("http://h.test/"))
        assert len(json.dumps(jar.changes)) < 2_000_000


def setting(*headers: str, status: int = 200, **others: str) -> Callable[[Any], None]:
    pairs = [("Set-Cookie", each) for each in headers] + list(others.items())
    return lambda exchange: exchange.reply(status, b"", pairs)


class TestSteps:
    @pytest.fixture
    def context(self, make_context: MakeContext) -> StepContext[Any]:
        return make_context()

    def again(self, make_context: MakeContext, *earlier: StepContext[Any]) -> StepContext[Any]:
        stored = json.loads(json.dumps([each.session_changes for each in earlier]))
        return make_context(session=merged(stored))

    def test_a_jar_has_a_name(self) -> None:
        url = "http://127.0.0.1"
        assert RUNNER.session_key(HttpConfig.model_validate({"url": url, "cookieJar": "main"})) == "http:main"
        assert RUNNER.session_key(HttpConfig.model_validate({"url": url})) is None

    def test_later_steps_send_what_was_set(
        self, target: Target, context: StepContext[Any], make_context: MakeContext
    ) -> None:
        target.route("/login", setting("sid=1; Path=/; HttpOnly", "deep=2; Path=/deep", "gone=3; Max-Age=0",
                                       "other=4; Domain=example.com"))  # fmt: skip
        assert run(context, url=target.url + "/login", cookieJar="j")["cookies"] == {"sid": "1", "deep": "2"}
        for path, headers in (("/a", {}), ("/deep", {"Cookie": "own=0"}), ("/deep", {"cookie": "ö=0"})):
            run(self.again(make_context, context), url=target.url + path, headers=headers, cookieJar="j")
        assert [exchange.headers.get("cookie") for exchange in target.received[1:]] == [
            "sid=1", "own=0; deep=2; sid=1", "\xc3\xb6=0; deep=2; sid=1",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "value", ["\xc3\x85", "\xc5", "\xe0\x80\x85\xa0", 'a"b, c=d', '"1"', "=", "a\tb", ""]
    )
    def test_bytes_go_back_as_they_came(
        self, target: Target, context: StepContext[Any], make_context: MakeContext, value: str
    ) -> None:
        target.route("/set", setting(f"city={value}", "next=1"))
        run(context, url=target.url + "/set", cookieJar="j")
        run(self.again(make_context, context), url=target.url + "/", cookieJar="j")
        assert target.received[1].headers["cookie"] == f"city={value}; next=1"

    def test_every_header_of_many_counts(self, target: Target, context: StepContext[Any]) -> None:
        target.route("/", setting(*(f"c{number}=x" for number in range(80))))
        assert len(run(context, url=target.url + "/")["cookies"]) == 80

    def test_redirects_use_and_set_cookies(self, target: Target, context: StepContext[Any]) -> None:
        target.route("/in", setting("a=1; Path=/", "b=2", status=302, Location="/mid"))
        target.route("/mid", setting("b=; Max-Age=0", "c=3", status=302, Location="/home"))
        target.route("/home", answer({}, b""))
        assert run(context, url=target.url + "/in")["cookies"] == {"a": "1", "c": "3"}
        assert [each.headers.get("cookie") for each in target.received] == [None, "a=1; b=2", "a=1; c=3"]

    def test_what_came_counts_even_if_the_call_fails_then(
        self, target: Target, context: StepContext[Any]
    ) -> None:
        target.route("/", setting("sid=long-enough", status=302, Location="/"))
        with pytest.raises(StepError, match="more than 1 redirects"):
            run(context, url=target.url + "/", cookieJar="j", maxRedirects=1)
        assert len(context.session_changes) == 1
        assert "long-enough" in context.known_secrets.texts

    def test_the_host_header_names_the_host(self, target: Target, context: StepContext[Any]) -> None:
        target.route("/", setting("sid=1; Domain=example.test", status=302, Location="/home"))
        target.route("/home", answer({}, b""))
        run(context, url=target.url + "/", headers={"Host": "shop.example.test"})
        assert target.received[1].headers["cookie"] == "sid=1"

    @pytest.mark.parametrize("host", ["localhost", "[::1]"])
    def test_other_hosts(self, make_context: MakeContext, host: str) -> None:
        server = Target()
        if host == "[::1]":
            server._listener.close()
            server._listener = socket.create_server(("::1", server.port), family=socket.AF_INET6)
        with server as other:
            url = f"http://{host}:{other.port}"
            other.route("/set", setting(f"sid=1; Domain={host.strip('[]')}"))
            context = make_context()
            run(context, url=f"{url}/set", cookieJar="j")
            run(self.again(make_context, context), url=f"{url}/x", cookieJar="j")
            assert other.received[1].headers.get("cookie") == "sid=1"
