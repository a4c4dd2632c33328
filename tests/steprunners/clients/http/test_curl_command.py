"""The copied command, run in bash with a real curl, sends what the step sent: method, target, headers and body."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from steprunners.clients.http.connection import HttpConnection
from steprunners.clients.http.curl_command import SentStep, curl_command
from steprunners.errors import BadConfig
from steprunners.masking.credentials import MASK
from steprunners.network.cookies import CookieJar, target_of
from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import run
from tests.steprunners.target import Exchange, Target

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl (Debian: apt-get install curl)")

EVERY_CHARACTER = "".join(map(chr, (*range(1, 0x180), 0x2028, 0xFEFF, 0x1F600)))
BYTES = "AAECA//+J1wK"


@dataclass(frozen=True)
class Sent:
    """A request as it arrived, with a name in place of its boundary."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def sent(exchange: Exchange) -> Sent:
    boundary = re.search("boundary=(\\S+)", exchange.headers.get("content-type", ""))
    found = boundary[1] if boundary else "\0no boundary"
    own = {"host", "accept-encoding", "connection"}  # how this client reads answers
    headers = {name: value.replace(found, "B") for name, value in exchange.headers.items() if name not in own}
    return Sent(exchange.method, exchange.path, headers, exchange.body.replace(found.encode(), b"B"))


def run_in_bash(command: str, folder: Path) -> None:
    script = folder / "copied.sh"
    script.write_text(command, encoding="utf-8")
    subprocess.run(
        ["bash", str(script)],
        check=True,
        capture_output=True,
        timeout=30,
        env={"PATH": "/usr/bin:/bin", "LANG": "C"},
    )


@pytest.fixture
def compare(target: Target, make_context: MakeContext, tmp_path: Path) -> Any:
    """Call the step and run its command; return what both sent, which has to be the same."""

    def both(resource: dict[str, Any] | None = None, **meta: Any) -> list[Sent]:
        meta = {"url": target.url + "/", **meta}
        connection = HttpConnection.model_validate(resource) if resource else None
        result = run(make_context(connection=connection), **meta)
        by_step = [sent(each) for each in target.received]
        target.received.clear()
        run_in_bash(curl_command(SentStep(meta, resource, redirects_of(result))), tmp_path)
        by_curl = [sent(each) for each in target.received]
        target.received.clear()
        assert by_curl == by_step
        return by_step

    target.route("/", lambda exchange: exchange.reply(200, b"{}"))
    return both


def redirects_of(result: dict[str, Any]) -> list[tuple[int, str]]:
    hops = result["redirects"]
    return [(hop["status"], to["url"]) for hop, to in zip(hops, [*hops[1:], result], strict=False)]


FORMS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "query": {"query": {"a": [1, None, "x y"], "none": None, "f": False, "o": {"k": [1]}, "q": "it's & ü=%"}},
    "form": {
        "method": "POST",
        "form": {"a": [1, None, "x y"], "none": None, "f": False, "o": {"k": [1]}, "@": "@x"},
    },
    "object": {"method": "POST", "body": {"id": 9007199254740993, "10": "a", "2": "it's\n$HOME `x` \\ !é"}},
    "19 digits": {"method": "PUT", "body": 1736184243098437392},
    "a list": {"method": "PATCH", "body": [None, True, 1.5]},
    "false": {"method": "POST", "body": False},
    "text": {"method": "POST", "body": "@/etc/passwd"},
    "every character": {"method": "POST", "body": EVERY_CHARACTER, "headers": {"Content-Type": "text/plain"}},
    "NUL": {"method": "POST", "body": "a\0b"},
    "empty text": {"method": "POST", "body": ""},
    "long text": {"method": "POST", "body": "it's\r\n" * 50_000},
    "2 MiB": {"method": "POST", "body": "x" * 2_097_152},
    "multipart": {
        "method": "POST",
        "multipart": [
            {"name": "a", "value": {"n": 1}},
            {"name": "t", "content": "it's;type=x\n", "filename": 'a"b.txt', "contentType": "text/csv"},
            {"name": "b", "contentBase64": BYTES, "filename": "b.bin"},
        ],
    },
    "multipart text": {"method": "POST", "multipart": {"a": "x", "b": 2}},
    "headers": {
        "headers": {
            "X-Object": {"a": [1, "é"]},
            "X-Flag": True,
            "X-No": None,
            "X-Empty": "",
            "X-It": "it's \\ @",
        }
    },
    "own agent": {"headers": {"User-Agent": "mine", "Accept": "text/csv", "Cookie": "a=b"}},
    "basic": {"auth": {"type": "basic", "username": "üser", "password": "it's: !$\""}},
    "bearer": {"auth": {"type": "bearer", "token": " t0ken\n"}},
    "header before auth": {"auth": {"type": "bearer", "token": "x"}, "headers": {"authorization": "Own y"}},
    "HEAD": {"method": "HEAD"},
    "POST without a body": {"method": "POST"},
    "PUT without a body": {"method": "PUT"},
    "DELETE": {"method": "DELETE"},
    "DELETE with a body": {"method": "DELETE", "body": {"a": 1}},
    "GET with a body": {"method": "GET", "body": {"a": 1}},
    "OPTIONS": {"method": "OPTIONS"},
    "PURGE": {"method": "PURGE"},
    "no redirects": {"followRedirects": False},
}


@pytest.mark.parametrize("form", FORMS)
def test_the_command_sends_what_the_step_sent(compare: Any, form: str) -> None:
    compare(**FORMS[form])


@pytest.mark.parametrize(
    "path", ["/?a=[1-3]&b={x,y}", "/?d=50%25&n=J%C3%BC", '/?q=it\'s+"x"', "/#part", "/?a=ü$HOME"]
)
def test_the_url_is_the_same(compare: Any, target: Target, path: str) -> None:
    compare(url=target.url + path)


def test_the_host_and_headers_of_the_resource(compare: Any, target: Target) -> None:
    target.route("/v1/orders", lambda exchange: exchange.reply(200, b"{}"))
    resource = {
        "baseUrl": target.url + "/v1",
        "headers": {"X-Api": "k'", "X-Both": "resource", "X-Null": "x"},
    }
    resource["auth"] = {"type": "basic", "username": "u", "password": "p"}
    (one,) = compare(resource, url="/orders", headers={"X-Both": "step", "X-Null": None})
    assert one.target == "/v1/orders"
    assert one.headers["x-api"] == "k'"
    assert one.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD"])
@pytest.mark.parametrize("body", [None, {"a": 1}, "b\0"], ids=["none", "json", "bytes"])
def test_redirects_are_followed_as_the_step_did(
    compare: Any, target: Target, status: int, method: str, body: Any
) -> None:
    body = None if method == "HEAD" else body  # curl waits for a body that does not come
    location = [("Location", "/"), ("Set-Cookie", "a=b; Path=/")]
    target.route("/old", lambda exchange: exchange.reply(status, b"", location))
    compare(url=target.url + "/old", method=method, body=body, headers={"X-A": "1", "Content-Language": "en"})


def test_headers_of_the_resource_do_not_go_to_another_server(compare: Any, target: Target) -> None:
    with Target() as other:
        there = other.route("/there", lambda exchange: exchange.reply(200, b"{}"))
        target.route("/out", lambda exchange: exchange.reply(302, b"", [("Location", there)]))
        resource = {
            "baseUrl": target.url,
            "headers": {"X-Api-Key": "k"},
            "auth": {"type": "bearer", "token": "t"},
        }
        compare(resource, url="/out", headers={"X-Mine": "1"})
        by_step, by_curl = other.received
        assert sent(by_step) == sent(by_curl)
        assert {"x-api-key", "authorization"}.isdisjoint(by_curl.headers)
        assert by_curl.headers["x-mine"] == "1"


def test_secrets_stay_masked(target: Target) -> None:
    meta: dict[str, Any] = {
        "url": f"{target.url}/{MASK}?k={MASK}",
        "method": "POST",
        "headers": {"X-Api-Key": MASK},
        "query": {"t": f"a{MASK}"},
        "multipart": [{"name": "f", "contentBase64": MASK, "filename": "f"}, {"name": "v", "value": MASK}],
        "auth": {"type": "basic", "username": "u", "password": MASK},
    }
    jar = CookieJar()
    jar.receive(["sid=x; Path=/", "other=x; Path=/other"], target_of(target.url))
    command = curl_command(SentStep(meta, cookies=jar))
    assert f"'{target.url}/{MASK}?k={MASK}&t=a{MASK}'" in command
    assert f"--user 'u:{MASK}'" in command
    assert f"-H 'X-Api-Key: {MASK}'" in command
    assert f"-H 'Cookie: sid={MASK}'" in command
    assert command.count(MASK) == 8


def test_a_masked_resource_and_an_oauth_token(target: Target) -> None:
    auth = {"type": "oauth2ClientCredentials", "tokenUrl": MASK, "clientId": MASK, "clientSecret": MASK}
    resource: dict[str, Any] = {
        "baseUrl": target.url,
        "auth": auth,
        "verifyTls": False,
        "headers": {"X-Api-Key": MASK},
    }
    resource |= {"caCertificate": "PEM", "clientCertificate": "PEM", "clientKey": MASK}
    command = curl_command(SentStep({"url": "/a", "maxRedirects": 3}, resource))
    assert command.startswith(f"curl '{target.url}/a'")
    for part in (
        f"-H 'X-Api-Key: {MASK}'",
        f"-H 'Authorization: Bearer {MASK}'",
        "--insecure",
        "--max-redirs 3",
    ):
        assert part in command
    assert "--cacert ca.pem" in command
    assert "--cert client.pem --key client-key.pem" in command


def test_a_resource_that_was_changed_since_counts_no_more(target: Target) -> None:
    resource: dict[str, Any] = {"baseUrl": "http://elsewhere.example", "headers": {"X-A": "new"}}
    command = curl_command(SentStep({"url": target.url + "/a", "headers": {"X-A": "old"}}, resource))
    assert "X-A: old" in command
    assert "elsewhere" not in command


@pytest.mark.parametrize(
    "request_", [{"url": MASK}, {"url": "/relative"}, {}, {"url": "http://x", "body": 1, "form": {}}]
)
def test_where_it_is_not_known_what_was_sent(request_: dict[str, Any]) -> None:
    with pytest.raises(BadConfig):
        curl_command(SentStep(request_))
