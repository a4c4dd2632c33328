"""The http step: what it sends, what it makes of the answer, and how it fails."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from steprunners.assertions import evaluate_all
from steprunners.base import (
    BadConfig,
    Cancelled,
    ConnectionFailed,
    Deadline,
    DeadlineExceeded,
    Finished,
    StepError,
)
from steprunners.http.response_body import read_body
from steprunners.kinds.http import HttpConfig, HttpConnection, HttpRunner
from steprunners.network import NetworkPolicy
from steprunners.network.http_pool import close_connections
from tests.steprunners.conftest import LOOPBACK, MakeContext
from tests.steprunners.json_strategies import json_values, tricky_text
from tests.steprunners.target import CloseConnection, Exchange, Target

RUNNER = HttpRunner()
FORM = "application/x-www-form-urlencoded"


def run(context: Any, **meta: Any) -> dict[str, Any]:
    outcome = RUNNER.run(HttpConfig.model_validate(meta), context)
    assert isinstance(outcome, Finished)
    json.dumps(outcome.result, allow_nan=False)
    RUNNER.result_class.model_validate(outcome.result)
    return outcome.result


def answer(raw_headers: dict[str, str], body: bytes, status: int = 200) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.reply(status, body, raw_headers.items())


class TestResult:
    def test_it_works(self, target: Target, make_context: MakeContext) -> None:
        url = target.route("/orders", lambda exchange: exchange.reply_json({"id": "42"}, 201))
        result = run(make_context(), url=url, method="post", body={"quantity": 2})
        assert result["durationMs"] >= 0
        assert {key: result[key] for key in ("status", "reason", "body", "bodyEncoding", "sizeBytes", "url")} == {
            "status": 201, "reason": "OK", "body": {"id": "42"}, "bodyEncoding": "json", "sizeBytes": 12, "url": url,
        }  # fmt: skip
        assert result["redirects"] == []
        assert result["cookies"] == {}
        [sent] = target.received
        assert (sent.method, json.loads(sent.body)) == ("POST", {"quantity": 2})
        assert sent.headers["content-type"] == "application/json"

    def test_headers_are_lower_case_and_joined(self, target: Target, make_context: MakeContext) -> None:
        url = target.route(
            "/", lambda exchange: exchange.reply(headers=[("X-A", "1"), ("x-a", "2"), ("X-B", "3")])
        )
        headers = run(make_context(), url=url)["headers"]
        assert (headers["x-a"], headers["x-b"]) == ("1, 2", "3")

    @pytest.mark.parametrize(
        ("content_type", "body", "expected", "encoding"),
        [
            ("application/json", b'{"a": 1}', {"a": 1}, "json"),
            ("application/problem+json; charset=utf-8", b'{"a": "\xc3\xa4"}', {"a": "ä"}, "json"),
            ("APPLICATION/JSON", b"[1.5, null]", [1.5, None], "json"),
            ("application/json", b'\xef\xbb\xbf{"bom": true}', {"bom": True}, "json"),
            ("application/json", b'{"a": NaN}', '{"a": NaN}', "text"),
            ("application/json", b"[1e999]", "[1e999]", "text"),
            ("application/json", b"[Infinity]", "[Infinity]", "text"),
            ("application/json", b"not json", "not json", "text"),
            ("application/json", b"", "", "text"),
            ("application/json", b'"\\ud800"', "\ud800", "json"),
            ("application/json", b"9" * 5000, "9" * 5000, "text"),
            ("text/plain", b'{"a": 1}', '{"a": 1}', "text"),
            ("", b'{"a": 1}', {"a": 1}, "json"),
            ("", b"plain", "plain", "text"),
            ("text/plain; charset=latin-1", b"\xe4", "ä", "text"),
            ("text/plain; charset=nonsense", "ä".encode(), "ä", "text"),
            ("text/plain; charset=base64", b"YQ==", "YQ==", "text"),
            ("text/plain; charset=utf-8", b"\xe4", "ä", "text"),
            (
                "image/png",
                b"\x89PNG\r\n\x00\xff",
                base64.b64encode(b"\x89PNG\r\n\x00\xff").decode(),
                "base64",
            ),
            ("application/octet-stream", b"readable", "readable", "text"),
            ("application/octet-stream", b"\x00\x01", "AAE=", "base64"),
            (";;; charset==", b"x", "x", "text"),
        ],
    )
    def test_body(
        self,
        target: Target,
        make_context: MakeContext,
        content_type: str,
        body: bytes,
        expected: Any,
        encoding: str,
    ) -> None:
        url = target.route("/", answer({"Content-Type": content_type} if content_type else {}, body))
        result = run(make_context(), url=url)
        assert (result["body"], result["bodyEncoding"], result["sizeBytes"]) == (
            expected,
            encoding,
            len(body),
        )

    def test_json_nested_a_hundred_thousand_deep_is_text(
        self, target: Target, make_context: MakeContext
    ) -> None:
        for depth in (250, 900, 100_000):
            body = b"[" * depth + b"]" * depth
            url = target.route("/", answer({"Content-Type": "application/json"}, body))
            assert run(make_context(), url=url)["bodyEncoding"] == "text"

    def test_compressed_body_is_decoded(self, target: Target, make_context: MakeContext) -> None:
        body = gzip.compress(b'{"a": 1}')
        url = target.route(
            "/", answer({"Content-Type": "application/json", "Content-Encoding": "gzip"}, body)
        )
        result = run(make_context(), url=url)
        assert (result["body"], result["sizeBytes"]) == ({"a": 1}, 8)
        assert target.received[0].headers["accept-encoding"] == "gzip, deflate"

    def test_broken_compression_is_an_error(self, target: Target, make_context: MakeContext) -> None:
        url = target.route("/", answer({"Content-Encoding": "gzip"}, b"not gzip"))
        with pytest.raises(StepError, match="content-encoding") as caught:
            run(make_context(), url=url)
        assert caught.value.code == "bad_response"

    def test_interim_answers_are_skipped(self, target: Target, make_context: MakeContext) -> None:
        def hint(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            exchange.reply(201, b"done")

        result = run(make_context(), url=target.route("/", hint))
        assert (result["status"], result["body"]) == (201, "done")
        assert "link" not in result["headers"]

    def test_head_has_no_body(self, target: Target, make_context: MakeContext) -> None:
        url = target.route("/", answer({"Content-Type": "application/json"}, b"{}"))
        assert run(make_context(), url=url, method="HEAD")["body"] == ""


class TestRequest:
    def test_headers_of_traces_give_way_to_the_flows_own(
        self, target: Target, make_context: MakeContext
    ) -> None:
        url = target.route("/", lambda exchange: exchange.reply_json({}))
        context = make_context(trace_headers={"traceparent": "ours"})
        run(context, url=url)
        run(context, url=url, headers={"TraceParent": "own"})
        run(context, url=url, headers={"traceparent": None})
        assert [sent.headers.get("traceparent") for sent in target.received] == ["ours", "own", None]

    @pytest.mark.parametrize(
        ("meta", "body", "content_type"),
        [
            ({"body": {"a": [1, True, None]}}, b'{"a": [1, true, null]}', "application/json"),
            ({"body": []}, b"[]", "application/json"),
            ({"body": False}, b"false", "application/json"),
            ({"body": 1.5}, b"1.5", "application/json"),
            ({"body": "as ä is"}, "as ä is".encode(), None),
            ({"body": {"half": "\ud800"}}, b'{"half": "\\ud800"}', "application/json"),
            ({"body": None}, b"", None),
            ({"body": {}, "headers": {"content-type": "application/x"}}, b"{}", "application/x"),
            ({"form": {"a": "x y", "b": [1, 2], "c": True, "d": None}}, b"a=x+y&b=1&b=2&c=true", FORM),
        ],
    )  # fmt: skip
    def test_body(
        self,
        target: Target,
        make_context: MakeContext,
        meta: dict[str, Any],
        body: bytes,
        content_type: str | None,
    ) -> None:
        run(make_context(), url=target.url, method="POST", **meta)
        assert target.received[0].body == body
        assert target.received[0].headers.get("content-type") == content_type

    def test_multipart(self, target: Target, make_context: MakeContext) -> None:
        parts = [
            {"name": "note", "value": "hello"},
            {"name": "file", "filename": 'a"\r\nX: y.txt', "content": "text", "contentType": "text/plain"},
            {"name": "raw", "filename": "b.bin", "contentBase64": "AAE="},
            {"name": "number", "value": 5},
        ]
        run(make_context(), url=target.url, method="POST", multipart=parts)
        body = target.received[0].body
        assert b'name="note"\r\n\r\nhello' in body
        assert b"Content-Type: text/plain\r\n\r\ntext" in body
        assert b"Content-Type: application/octet-stream\r\n\r\n\x00\x01" in body
        assert b'name="number"\r\n\r\n5' in body
        assert b"\r\nX: y" not in body
        assert target.received[0].headers["content-type"].startswith("multipart/form-data; boundary=")

    def test_multipart_object(self, target: Target, make_context: MakeContext) -> None:
        run(make_context(), url=target.url, method="POST", multipart={"a": "1"})
        assert b'name="a"\r\n\r\n1' in target.received[0].body

    def test_multipart_with_broken_base64(self, target: Target, make_context: MakeContext) -> None:
        with pytest.raises(BadConfig, match="not base64"):
            run(
                make_context(), url=target.url, method="POST", multipart=[{"name": "a", "contentBase64": "%"}]
            )

    def test_query(self, target: Target, make_context: MakeContext) -> None:
        query = {"q": "a b&c", "n": [1, 2], "flag": True, "none": None, "o": {"x": 1}}
        run(make_context(), url=target.url + "/s?fixed=1", query=query)
        assert target.received[0].path == "/s?fixed=1&q=a+b%26c&n=1&n=2&flag=true&o=%7B%22x%22%3A+1%7D"

    def test_basic_and_bearer(self, target: Target, make_context: MakeContext) -> None:
        run(make_context(), url=target.url, auth={"type": "basic", "username": "ann", "password": "pä"})
        run(make_context(), url=target.url, auth={"type": "bearer", "token": "t"})
        basic, bearer = (exchange.headers["authorization"] for exchange in target.received)
        assert base64.b64decode(basic.removeprefix("Basic ")).decode() == "ann:pä"
        assert bearer == "Bearer t"

    def test_a_token_is_trimmed_and_cannot_hold_another_header(
        self, target: Target, make_context: MakeContext
    ) -> None:
        run(make_context(), url=target.url, auth={"type": "bearer", "token": " abc\n"})
        assert target.received[0].headers["authorization"] == "Bearer abc"
        for token in ("a\r\nX: 1", "a\n b"):
            with pytest.raises(BadConfig, match=r"meta\.auth"):
                run(make_context(), url=target.url, auth={"type": "bearer", "token": token})

    @pytest.mark.parametrize(
        ("headers", "message"),
        [
            ({"X": "a\r\nInjected: 1"}, "line break"),
            ({"X": "a\nb"}, "line break"),
            ({"X": "a\x00"}, "control"),
            ({"a b": "1"}, "not a header's name"),
            ({"": "1"}, "not a header's name"),
            ({"Content-Length": "5"}, "set by the connection"),
            ({"transfer-encoding": "chunked"}, "set by the connection"),
        ],
    )
    def test_unsafe_headers_are_refused(
        self, target: Target, make_context: MakeContext, headers: dict[str, str], message: str
    ) -> None:
        with pytest.raises(BadConfig, match=message):
            run(make_context(), url=target.url, headers=headers)
        assert target.received == []

    @pytest.mark.parametrize(
        "headers", [{"A B": "1"}, {"Content-Length": "5"}, {"X-Evil": "1\r\nY: 2"}], ids=repr
    )
    def test_headers_of_a_resource_are_refused_at_their_place(
        self, target: Target, headers: dict[str, Any]
    ) -> None:
        connection = HttpConnection(base_url=target.url, headers=headers)
        with pytest.raises(BadConfig, match=r"^config\.headers"):
            connection.check(LOOPBACK, Deadline(5))
        assert not target.received

    def test_header_values_of_any_type(self, target: Target, make_context: MakeContext) -> None:
        run(make_context(), url=target.url, headers={"X-N": 5, "X-B": True, "X-Null": None, "X-U": "€"})
        headers = target.received[0].headers
        assert (headers["x-n"], headers["x-b"], headers["x-u"].encode("latin-1").decode()) == (
            "5",
            "true",
            "€",
        )
        assert "x-null" not in headers

    @pytest.mark.parametrize(
        "url", ["", "http://", "ftp://host/", "/relative", "http://user:pw@127.0.0.1/", "http://[::1", "http://h:99999/",
                "http://h:x/", "file:///etc/passwd", "http://\udc80/", "http://a..b/", "http:///x", "http://h:0/"],
    )  # fmt: skip
    def test_bad_url(self, make_context: MakeContext, url: str) -> None:
        with pytest.raises((StepError, ValidationError)):
            run(make_context(), url=url)

    @pytest.mark.parametrize(
        "meta",
        [
            {"body": 1, "form": {}},
            {"method": "CONNECT"},
            {"method": "G T"},
            {"unknown": 1},
            {"expectedStatus": "9xx"},
            {"expectedStatus": []},
            {"expectedStatus": 1000},
            {"maxRedirects": -1},
            {"auth": {"type": "magic"}},
        ],
    )
    def test_bad_config(self, meta: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            HttpConfig.model_validate({"url": "http://h/", **meta})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=tricky_text,
    headers=st.dictionaries(tricky_text, json_values, max_size=3),
    query=st.dictionaries(tricky_text, json_values, max_size=3),
    body=json_values,
    auth=st.one_of(st.none(), st.builds(lambda text: {"type": "bearer", "token": text}, tricky_text)),
)
def test_no_request_raises_anything_but_a_declared_error(
    target: Target, make_context: MakeContext, path: str, headers: Any, query: Any, body: Any, auth: Any
) -> None:
    with contextlib.suppress(StepError, ValidationError):
        run(make_context(3), url=f"{target.url}/{path}", headers=headers, query=query, body=body, auth=auth)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=100),
    content_type=tricky_text.map(lambda text: text.encode("latin-1", "replace").decode("latin-1")),
)
def test_no_answer_raises_anything(body: bytes, content_type: str) -> None:
    value, encoding = read_body(body, content_type)
    json.dumps(value, allow_nan=False)
    assert encoding in ("json", "text", "base64")


class TestResource:
    def connection(self, target: Target, **config: Any) -> HttpConnection:
        return HttpConnection.model_validate({"baseUrl": target.url + "/api/", **config})

    @pytest.mark.parametrize(
        ("url", "path"),
        [
            ("orders", "/api/orders"),
            ("/orders", "/api/orders"),
            ("?q=1", "/api?q=1"),
            ("//evil/x", "/api//evil/x"),
        ],
    )
    def test_relative_url(self, target: Target, make_context: MakeContext, url: str, path: str) -> None:
        run(make_context(connection=self.connection(target)), url=url)
        assert target.received[0].path == path

    def test_defaults_and_what_goes_before_them(self, target: Target, make_context: MakeContext) -> None:
        connection = self.connection(
            target,
            headers={"X-A": "resource", "X-B": "resource"},
            auth={"type": "bearer", "token": "resource"},
        )
        run(make_context(connection=connection), url="x", headers={"x-a": "step", "x-b": None})
        run(make_context(connection=connection), url="x", auth={"type": "bearer", "token": "step"})
        run(make_context(connection=connection), url="x", headers={"authorization": "own"})
        first, second, third = (exchange.headers for exchange in target.received)
        assert (first["x-a"], "x-b" in first, first["authorization"]) == ("step", False, "Bearer resource")
        assert second["authorization"] == "Bearer step"
        assert third["authorization"] == "own"

    def test_credentials_do_not_go_to_another_server(self, target: Target, make_context: MakeContext) -> None:
        connection = self.connection(target, auth={"type": "bearer", "token": "resource"})
        with Target() as other, pytest.raises(BadConfig, match="another server"):
            run(make_context(connection=connection), url=other.url)
        assert other.received == []

    @pytest.mark.parametrize("base_url", ["host", "ftp://h", "http://u:p@h", "http://h?x=1"])
    def test_bad_base_url(self, base_url: str) -> None:
        with pytest.raises(ValidationError):
            HttpConnection.model_validate({"baseUrl": base_url})

    def test_secret_fields(self) -> None:
        assert HttpConnection.secret_fields() == {"auth", "clientKey"}
        assert HttpConnection.secret_entries() == {"headers"}


class TestOAuth2:
    AUTH = {"type": "oauth2ClientCredentials", "clientId": "id", "clientSecret": "s+cret", "scope": "read"}

    def auth(self, target: Target, **changes: str) -> dict[str, str]:
        return {**self.AUTH, "tokenUrl": target.url + "/token", **changes}

    def test_token_is_fetched_once_and_known_as_secret(
        self, target: Target, make_context: MakeContext
    ) -> None:
        target.route(
            "/token", lambda exchange: exchange.reply_json({"access_token": "abc", "expires_in": 60})
        )
        context = make_context()
        for _ in range(2):
            run(context, url=target.url + "/x", auth=self.auth(target))
        assert [exchange.path for exchange in target.received] == ["/token", "/x", "/x"]
        token_call = target.received[0]
        assert token_call.body == b"grant_type=client_credentials&scope=read"
        assert base64.b64decode(token_call.headers["authorization"].removeprefix("Basic ")) == b"id:s%2Bcret"
        assert target.received[2].headers["authorization"] == "Bearer abc"
        assert context.learned_secrets == {"abc"}

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


class TestRedirects:
    @pytest.mark.parametrize(
        ("status", "method", "then", "keeps_body"),
        [
            (301, "POST", "GET", False),
            (302, "POST", "GET", False),
            (303, "PUT", "GET", False),
            (303, "HEAD", "HEAD", False),
            (302, "PUT", "PUT", True),
            (307, "POST", "POST", True),
            (308, "PATCH", "PATCH", True),
        ],
    )
    def test_method(
        self, target: Target, make_context: MakeContext, status: int, method: str, then: str, keeps_body: bool
    ) -> None:
        target.route("/a", answer({"Location": "b?x=1#frag"}, b"moved", status))
        result = run(make_context(), url=target.url + "/a", method=method, body={"k": 1})
        second = target.received[1]
        assert (second.method, second.path) == (then, "/b?x=1")
        if method != "HEAD":
            assert (second.body == b'{"k": 1}', "content-type" in second.headers) == (keeps_body, keeps_body)
        assert result["redirects"] == [{"status": status, "url": target.url + "/a"}]
        assert result["url"] == target.url + "/b?x=1#frag"

    def test_credentials_stay_with_their_server(self, target: Target, make_context: MakeContext) -> None:
        with Target() as other:
            target.route("/a", answer({"Location": other.url + "/b"}, b"", 302))
            headers = {"Authorization": "Bearer x", "Cookie": "own=1", "X-Api": "kept"}
            run(make_context(), url=target.url + "/a", headers=headers)
            [sent] = other.received
        assert "authorization" not in sent.headers
        assert "cookie" not in sent.headers
        assert sent.headers["x-api"] == "kept"

    def test_headers_of_a_resource_stay_with_its_server(
        self, target: Target, make_context: MakeContext
    ) -> None:
        connection = HttpConnection(base_url=target.url, headers={"X-Api-Key": "hunter2", "X-Own": "of it"})
        with Target() as other:
            for path in ("/", "/a"):
                target.route(path, answer({"Location": other.url + "/b"}, b"", 302))
            run(make_context(connection=connection), url="/a", headers={"x-own": "of the step"})
            connection.check(LOOPBACK, Deadline(5))
            of_step, of_check = other.received
        assert target.received[0].headers["x-api-key"] == "hunter2"
        assert "x-api-key" not in {*of_step.headers, *of_check.headers}
        assert of_step.headers["x-own"] == "of the step"

    def test_each_hop_is_checked(self, target: Target, make_context: MakeContext) -> None:
        with Target() as hidden:
            target.route("/a", answer({"Location": hidden.url}, b"", 302))
            context = make_context(network=NetworkPolicy(allowed=(f"127.0.0.1:{target.port}",)))
            with pytest.raises(StepError) as caught:
                run(context, url=target.url + "/a")
            assert caught.value.code == "address_refused"
            assert hidden.connections == 0

    def test_loop(self, target: Target, make_context: MakeContext) -> None:
        target.route("/a", answer({"Location": "/b"}, b"", 302))
        target.route("/b", answer({"Location": "/a"}, b"", 302))
        with pytest.raises(StepError, match="circle") as caught:
            run(make_context(), url=target.url + "/a")
        assert caught.value.code == "redirect_loop"

    def test_too_many(self, target: Target, make_context: MakeContext) -> None:
        for number in range(4):
            target.route(f"/{number}", answer({"Location": f"/{number + 1}"}, b"", 302))
        with pytest.raises(StepError, match="more than 2 redirects") as caught:
            run(make_context(), url=target.url + "/0", maxRedirects=2)
        assert caught.value.code == "too_many_redirects"
        assert len(target.received) == 3

    def test_not_followed(self, target: Target, make_context: MakeContext) -> None:
        target.route("/a", answer({"Location": "/b"}, b"moved", 302))
        result = run(make_context(), url=target.url + "/a", followRedirects=False)
        assert (result["status"], result["body"], result["redirects"]) == (302, "moved", [])

    @pytest.mark.parametrize("location", ["ftp://h/x", "javascript:alert(1)", "http://[::1"])
    def test_bad_location(self, target: Target, make_context: MakeContext, location: str) -> None:
        target.route("/a", answer({"Location": location}, b"", 302))
        with pytest.raises(StepError, match="redirects to") as caught:
            run(make_context(), url=target.url + "/a")
        assert caught.value.code == "bad_redirect"

    def test_the_endless_body_of_a_redirect_is_not_read(
        self, target: Target, make_context: MakeContext
    ) -> None:
        def endless(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                exchange.send(b"5\r\nxxxxx\r\n")

        target.route("/a", endless)
        target.route("/b", answer({}, b"here"))
        assert run(make_context(), url=target.url + "/a")["body"] == "here"


class TestLimits:
    def limited(self, make_context: MakeContext, size: int) -> Any:
        return make_context(network=NetworkPolicy(allowed=LOOPBACK.allowed, max_body_bytes=size))

    def test_a_body_of_the_limit_is_read_and_one_more_byte_is_not(
        self, target: Target, make_context: MakeContext
    ) -> None:
        url = target.route("/", answer({}, b"x" * 1000))
        assert run(self.limited(make_context, 1000), url=url)["sizeBytes"] == 1000
        with pytest.raises(StepError, match="larger than 999") as caught:
            run(self.limited(make_context, 999), url=url)
        assert caught.value.code == "response_too_large"

    def test_a_compressed_bomb_ends_early(self, target: Target, make_context: MakeContext) -> None:
        bomb = gzip.compress(b"\0" * 50_000_000, compresslevel=1)
        url = target.route("/", answer({"Content-Encoding": "gzip"}, bomb))
        with pytest.raises(StepError) as caught:
            run(make_context(), url=url)
        assert caught.value.code == "response_too_large"

    def drip_body(self, exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        self.drip(exchange)

    def drip_endless_body(self, exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")
        self.drip(exchange)

    def drip_headers(self, exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nX: ")
        self.drip(exchange)

    def drip(self, exchange: Exchange) -> None:
        while True:
            exchange.send(b"x")
            time.sleep(0.02)

    def silence(self, exchange: Exchange) -> None:
        exchange.hang()

    @pytest.mark.parametrize("behaviour", ["drip_body", "drip_endless_body", "drip_headers", "silence"])
    def test_the_deadline_ends_it_on_time(
        self, target: Target, make_context: MakeContext, behaviour: str
    ) -> None:
        url = target.route("/", getattr(self, behaviour))
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            run(make_context(0.3), url=url)
        assert 0.25 < time.monotonic() - started < 30

    @pytest.mark.parametrize("behaviour", ["drip_body", "drip_headers", "silence"])
    def test_cancel_ends_it_at_once(self, target: Target, make_context: MakeContext, behaviour: str) -> None:
        url = target.route("/", getattr(self, behaviour))
        context = make_context(90)
        threading.Timer(0.2, context.cancellation.cancel).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            run(context, url=url)
        assert time.monotonic() - started < 30

    def test_a_cancelled_execution_sends_nothing(self, target: Target, make_context: MakeContext) -> None:
        context = make_context()
        context.cancellation.cancel()
        with pytest.raises(Cancelled):
            run(context, url=target.url)
        assert target.received == []


class TestConnections:
    def test_they_are_kept(self, target: Target, make_context: MakeContext) -> None:
        for _ in range(3):
            run(make_context(), url=target.url)
        assert target.connections == 1

    def test_not_across_policies(self, target: Target, make_context: MakeContext) -> None:
        run(make_context(), url=target.url)
        with pytest.raises(StepError, match="loopback"):
            run(make_context(network=NetworkPolicy()), url=target.url)

    def close_on_second(self, exchange: Exchange) -> None:
        if exchange.number == 1 and len(exchange.target.received) > 1:
            raise CloseConnection
        exchange.reply(200, b"fine")

    def test_a_get_on_a_stale_connection_is_sent_again(
        self, target: Target, make_context: MakeContext
    ) -> None:
        url = target.route("/", self.close_on_second)
        run(make_context(), url=url)
        assert run(make_context(), url=url)["body"] == "fine"
        assert [exchange.number for exchange in target.received] == [1, 1, 2]

    def test_a_post_is_never_sent_twice(self, target: Target, make_context: MakeContext) -> None:
        url = target.route("/", self.close_on_second)
        run(make_context(), url=url, method="POST")
        with pytest.raises(ConnectionFailed, match="closed the connection without an answer"):
            run(make_context(), url=url, method="POST")
        assert len(target.received) == 2

    def test_a_post_takes_no_connection_that_was_idle(
        self, target: Target, make_context: MakeContext
    ) -> None:
        url = target.route("/", self.close_on_second)
        run(make_context(), url=url, method="POST")
        time.sleep(1.1)
        assert run(make_context(), url=url, method="POST")["body"] == "fine"

    def test_a_connection_closed_while_idle_is_replaced(
        self, target: Target, make_context: MakeContext
    ) -> None:
        def once(exchange: Exchange) -> None:
            exchange.reply(200, b"fine")
            raise CloseConnection

        url = target.route("/", once)
        for _ in range(3):
            assert run(make_context(), url=url, method="POST")["body"] == "fine"
            time.sleep(0.05)

    def test_a_fresh_connection_that_closes_is_not_tried_again(
        self, target: Target, make_context: MakeContext
    ) -> None:
        def close(exchange: Exchange) -> None:
            raise CloseConnection

        with pytest.raises(ConnectionFailed, match="closed the connection"):
            run(make_context(), url=target.route("/", close))
        assert len(target.received) == 1

    def test_threads_get_their_own_answers_whatever_ends_early(
        self, target: Target, make_context: MakeContext
    ) -> None:
        def echo(exchange: Exchange) -> None:
            time.sleep(0.02 if "slow" in exchange.path else 0)
            exchange.reply(200, exchange.path.encode())

        target.route("/echo", echo)
        mixed_up: list[str] = []

        def work(number: int) -> None:
            for turn in range(20):
                path = f"/echo?{number}-{turn}{'-slow' if turn % 3 == 0 else ''}"
                with contextlib.suppress(DeadlineExceeded):
                    body = run(make_context(0.01 if turn % 6 == 0 else 10), url=target.url + path)["body"]
                    mixed_up.extend([path] if body != path else [])
            close_connections()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert mixed_up == []
        assert len(target.received) >= 8 * 16

    def test_reset_in_the_middle_of_the_body(self, target: Target, make_context: MakeContext) -> None:
        def half(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            raise CloseConnection

        with pytest.raises(ConnectionFailed, match="middle of the body"):
            run(make_context(), url=target.route("/", half))

    @pytest.mark.parametrize(
        "raw",
        [b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300 + b"\r\n"],
    )
    def test_what_is_not_http(self, target: Target, make_context: MakeContext, raw: bytes) -> None:
        def speak(exchange: Exchange) -> None:
            exchange.send(raw)
            raise CloseConnection

        with pytest.raises(StepError) as caught:
            run(make_context(), url=target.route("/", speak))
        assert caught.value.code in ("bad_response", "connection_failed")

    def test_refused(self, make_context: MakeContext) -> None:
        with Target() as closed:
            pass
        with pytest.raises(ConnectionFailed, match="connection refused"):
            run(make_context(), url=closed.url)

    def test_unknown_host(self, make_context: MakeContext) -> None:
        with pytest.raises(ConnectionFailed, match=r"the name no-such-host\.invalid cannot be resolved"):
            run(make_context(), url="http://no-such-host.invalid/")


class TestTls:
    def resource(self, target: Target, authority: trustme.CA, **more: Any) -> HttpConnection:
        pem = authority.cert_pem.bytes().decode()
        return HttpConnection.model_validate({"baseUrl": target.url, "caCertificate": pem, **more})

    def test_own_authority(
        self, tls_target: Callable[..., Target], authority: trustme.CA, make_context: MakeContext
    ) -> None:
        target = tls_target()
        target.route("/", answer({}, b"safe"))
        context = make_context(connection=self.resource(target, authority))
        assert [run(context, url="/")["body"] for _ in range(2)] == ["safe", "safe"]
        assert target.connections == 1

    def test_unknown_authority(self, tls_target: Callable[..., Target], make_context: MakeContext) -> None:
        with pytest.raises(ConnectionFailed, match="certificate is not trusted: unable to get local issuer"):
            run(make_context(), url=tls_target().url)

    def test_verification_switched_off(
        self, tls_target: Callable[..., Target], make_context: MakeContext
    ) -> None:
        assert run(make_context(), url=tls_target().url, verifyTls=False)["status"] == 404

    def test_wrong_host(
        self, tls_target: Callable[..., Target], authority: trustme.CA, make_context: MakeContext
    ) -> None:
        target = tls_target(authority.issue_cert("elsewhere.example"))
        with pytest.raises(ConnectionFailed, match=r"not valid for '127\.0\.0\.1'"):
            run(make_context(connection=self.resource(target, authority)), url="/")

    def test_expired(
        self, tls_target: Callable[..., Target], authority: trustme.CA, make_context: MakeContext
    ) -> None:
        before, after = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC)
        target = tls_target(authority.issue_cert("127.0.0.1", not_before=before, not_after=after))
        with pytest.raises(ConnectionFailed, match="certificate has expired"):
            run(make_context(connection=self.resource(target, authority)), url="/")

    def test_plain_http_where_tls_is_expected(self, target: Target, make_context: MakeContext) -> None:
        with pytest.raises(ConnectionFailed):
            run(make_context(), url=target.url.replace("http:", "https:"))

    def test_client_certificate(
        self, tls_target: Callable[..., Target], authority: trustme.CA, make_context: MakeContext
    ) -> None:
        target = tls_target(client_authority=authority)
        client = authority.issue_cert("client@example.com")
        pair = {
            "clientCertificate": client.cert_chain_pems[0].bytes().decode(),
            "clientKey": client.private_key_pem.bytes().decode(),
        }
        context = make_context(connection=self.resource(target, authority, **pair))
        assert run(context, url="/")["status"] == 404
        with pytest.raises(ConnectionFailed):
            run(make_context(connection=self.resource(target, authority)), url="/")

    @pytest.mark.parametrize(
        "broken",
        [
            {"caCertificate": "not pem"},
            {"clientCertificate": "x", "clientKey": "y"},
            {"clientCertificate": "\udc80"},
        ],
    )
    def test_broken_pem(
        self,
        tls_target: Callable[..., Target],
        authority: trustme.CA,
        make_context: MakeContext,
        broken: dict[str, str],
    ) -> None:
        context = make_context(connection=self.resource(tls_target(), authority, **broken))
        with pytest.raises(BadConfig, match="PEM"):
            run(context, url="/")


class TestExpectations:
    def outcomes(
        self, status: int, body: Any = None, fields: frozenset[str] = frozenset(), **meta: Any
    ) -> list[bool]:
        config = HttpConfig.model_validate({"url": "http://h/", **meta})
        expected = RUNNER.expectations(config, fields)
        return [outcome.passed for outcome in evaluate_all(expected, {"status": status, "body": body})]

    @pytest.mark.parametrize(
        ("status", "holds"), [(200, True), (302, True), (399, True), (400, False), (503, False)]
    )
    def test_default(self, status: int, holds: bool) -> None:
        assert self.outcomes(status) == [holds]

    @pytest.mark.parametrize("field", ["status", "response.status", "$.status"])
    def test_an_assertion_on_the_status_takes_its_place(self, field: str) -> None:
        assert self.outcomes(500, fields=frozenset({field})) == []

    @pytest.mark.parametrize(
        ("expected", "status", "holds"),
        [
            (404, 404, True), (404, 200, False), ("404", 404, True), ("2xx", 204, True), ("2XX", 302, False),
            ([200, "4xx"], 451, True), ([200, "4xx"], 201, False), ([200, 201], 201, True),
        ],
    )  # fmt: skip
    def test_expected_status(self, expected: Any, status: int, holds: bool) -> None:
        assert self.outcomes(status, expectedStatus=expected) == [holds]

    def test_expected_response(self) -> None:
        shape = {"id": "any.string"}
        assert self.outcomes(200, {"id": "1", "more": 2}, expectedResponse=shape) == [True, True]
        assert self.outcomes(200, {"id": 1}, expectedResponse=shape) == [True, False]
