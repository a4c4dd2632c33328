"""The http step: what it sends, what it makes of the answer, and how it fails."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from steprunners.clients.http.config import HttpConfig
from steprunners.clients.http.connection import HttpConnection
from steprunners.clients.http.response_body import read_body
from steprunners.deadline import Deadline
from steprunners.errors import BadConfig, StepError
from steprunners.kinds.http import HttpRunner
from tests.steprunners.conftest import LOOPBACK, MakeContext
from tests.steprunners.http_calls import FORM, answer, run
from tests.steprunners.json_strategies import json_values, tricky_text
from tests.steprunners.target import Exchange, Target


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
            ("text/plain; charset=utf-8", b"\xe4", "\ufffd", "text"),
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
            ({"body": {"a": [1, True, None]}}, b'{"a":[1,true,null]}', "application/json"),
            ({"body": []}, b"[]", "application/json"),
            ({"body": False}, b"false", "application/json"),
            ({"body": 1.5}, b"1.5", "application/json"),
            ({"body": "as ä is"}, "as ä is".encode(), None),
            ({"body": {"half": "\ud800"}}, b'{"half":"\\ud800"}', "application/json"),
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
        assert target.received[0].path == "/s?fixed=1&q=a%20b%26c&n=1&n=2&flag=true&o=%7B%22x%22%3A1%7D"

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
            ({"a b": "1"}, "not a valid header name"),
            ({"": "1"}, "not a valid header name"),
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
            HttpRunner().check(connection, LOOPBACK, Deadline(5))
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
    value, encoding, _text = read_body(body, content_type)
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
