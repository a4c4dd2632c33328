"""URLs as they reach the server, and the redirects that lead there."""

# ruff: noqa: RUF001 - look-alikes are what this is about

from __future__ import annotations

import pytest

from steprunners.clients.http.connection import HttpConnection
from steprunners.errors import BadConfig, StepError
from steprunners.network import NetworkPolicy
from steprunners.network.urls import joined, normal_url, target_of, with_query
from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import answer, run
from tests.steprunners.target import Target

#: What a tester writes after the host, and what the server gets.
SENT = [
    ("/?d=50%&n=J%C3%BC", "/?d=50%25&n=J%C3%BC"),
    ("/50%/J%c3%bc%7E%41%2F", "/50%25/J%c3%bc%7E%41%2F"),
    ("/%", "/%25"),
    ("/%4", "/%254"),
    ("/%zz%25%", "/%25zz%25%25"),
    ("/%%41", "/%25%41"),
    ("/a/../b/./c", "/b/c"),
    ("/a/b/..", "/a/"),
    ("/../..//x", "//x"),
    ("/a/%2e%2E/b", "/a/%2e%2E/b"),
    ("/?p=../x/./y", "/?p=../x/./y"),
    ("//double//slash/", "//double//slash/"),
    ("", "/"),
    ("?", "/?"),
    ("/p?", "/p?"),
    ("/p?#f", "/p?"),
    ("?x=1", "/?x=1"),
    ("/p#frag?no", "/p"),
    ("/a b?c d", "/a%20b?c%20d"),
    ("/?q=a+b%20c", "/?q=a+b%20c"),
    ("/a;v=1,2?b;c", "/a;v=1,2?b;c"),
    ("/?ids[]=1&f={x}|^`<>\"", "/?ids%5B%5D=1&f=%7Bx%7D%7C%5E%60%3C%3E%22"),
    ("/a\\b", "/a%5Cb"),
    ("/a\tb\nc", "/a%09b%0Ac"),
    ("/grün/日本?ü=ö", "/gr%C3%BCn/%E6%97%A5%E6%9C%AC?%C3%BC=%C3%B6"),
    ("/\x00\x7f\x85\u2028", "/%00%7F%C2%85%E2%80%A8"),
    ("/:@!$&'()*,=~-._", "/:@!$&'()*,=~-._"),
    ("/?a?b/c@d:e", "/?a?b/c@d:e"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "sent"), SENT)
def test_target(target: Target, make_context: MakeContext, written: str, sent: str) -> None:
    run(make_context(), url=target.url + written, expectedStatus=404)
    assert target.received[0].path == sent


@pytest.mark.parametrize(("written", "sent"), [each for each in SENT if not {"\n", "\0"} & set(each[0])])
def test_redirect(target: Target, make_context: MakeContext, written: str, sent: str) -> None:
    location = (target.url + written).encode().decode("latin-1")
    target.route("/from", answer({"Location": location}, b"", 302))
    run(make_context(), url=target.url + "/from", expectedStatus=404)
    assert target.received[1].path == sent


def test_base_url(target: Target, make_context: MakeContext) -> None:
    connection = HttpConnection(base_url=target.url + "/50%/J%c3%bc/a/../v1")
    for url in ("/x?d=50%", "?d=50%", "../%41"):
        run(make_context(connection=connection), url=url, expectedStatus=404)
    base = "/50%25/J%c3%bc"
    assert [each.path for each in target.received] == [
        f"{base}/v1/x?d=50%25",
        f"{base}/v1?d=50%25",
        f"{base}/%41",
    ]


@pytest.mark.parametrize(("written", "sent"), SENT)
def test_normal_urls_are_normal(written: str, sent: str) -> None:
    once = normal_url("http://h" + written)
    assert normal_url(once) == once
    assert target_of(once) == sent


def test_latin_1_in_a_location_is_asked_for_as_it_came(target: Target, make_context: MakeContext) -> None:
    target.route("/from", answer({"Location": "/caf\xe9"}, b"", 302))
    run(make_context(), url=target.url + "/from", expectedStatus=404)
    assert target.received[1].path == "/caf%E9"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("HTTP://Shop.Example:080/A", "http://shop.example:80/A"),
        ("http://☃.example", "http://xn--n3h.example/"),
        ("http://ＡＢＣ.example:81/", "http://abc.example:81/"),
        ("https://faß。de./ß", "https://xn--fa-hia.de./%C3%9F"),
        ("http://[::1]:8/", "http://[::1]:8/"),
        ("http://[FE80::1%25eth0]/", "http://[fe80::1%25eth0]/"),
        ("http://h:/x", "http://h/x"),
    ],
)
def test_authority(written: str, normal: str) -> None:
    assert normal_url(written) == normal


@pytest.mark.parametrize(
    "written",
    [
        "shop.example/x", "ftp://h/", "http:///x", "http://", "http:/x", "http://h:0/", "http://h:65536/",
        "http://h:８0/", "http://h:1:2/", "http://a b/", "http://℀.example/", "http://h\\@evil/", "http://a%2Fb/",
        "http://[::1/", "http://[1.2.3.4]/", "http://u:p@h/", "http://u@h/", "http://a\ud800/", "http://h/\ud800",
    ],
)  # fmt: skip
def test_not_a_url(written: str) -> None:
    with pytest.raises(BadConfig):
        normal_url(written)


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"), ("/g", "http://a/g"),
        ("//g", "http://g/"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"), ("?", "http://a/b/c/d;p?"),
        ("", "http://a/b/c/d;p?q"), ("#s", "http://a/b/c/d;p?q#s"), ("..", "http://a/b/"), ("../../../g", "http://a/g"),
        ("g;x=1/../y", "http://a/b/c/y"), ("http:g", "http://a/b/c/g"), ("https://g", "https://g/"),
        ("//user:pw@g/x", "http://g/x"),
    ],
)  # fmt: skip
def test_joined(reference: str, meant: str) -> None:
    """The examples of RFC 3986, 5.4."""
    assert normal_url(joined("http://a/b/c/d;p?q", reference)) == meant


def test_more_parameters() -> None:
    assert with_query("http://h/p?a=1#f", "b=2") == "http://h/p?a=1&b=2#f"
    assert with_query("http://h/p?", "b=2") == "http://h/p?b=2"
    assert (with_query("http://h/p", ""), with_query("http://h/p?", "")) == ("http://h/p", "http://h/p?")


@pytest.mark.parametrize(
    "host", ["ｌｏｃａｌｈｏｓｔ", "①②⑦.⓪.⓪.①", "127.0.0.1", "local\u00adhost", "LOCALHOST"]
)
class TestGuard:
    def test_a_name_is_refused_however_it_is_written(
        self, target: Target, make_context: MakeContext, host: str
    ) -> None:
        context = make_context(network=NetworkPolicy())
        with pytest.raises(StepError) as caught:
            run(context, url=f"http://{host}:{target.port}/")
        assert caught.value.code == "address_refused"
        assert target.connections == 0

    def test_a_name_is_allowed_however_it_is_written(
        self, target: Target, make_context: MakeContext, host: str
    ) -> None:
        context = make_context(network=NetworkPolicy(allowed=("ｌocalhost", "127.0.0.①")))
        run(context, url=f"http://{host}:{target.port}/", expectedStatus=404)
        assert len(target.received) == 1


@pytest.mark.parametrize(
    "host", ["☃.invalid", "ＡＢＣ.invalid", "faß.invalid", "a。invalid", "-.invalid", "a..b", "x" * 64]
)
def test_a_name_that_does_not_exist(make_context: MakeContext, host: str) -> None:
    context = make_context(network=NetworkPolicy(deny_private=False))
    with pytest.raises(StepError, match="cannot be resolved"):
        run(context, url=f"http://{host}/")
