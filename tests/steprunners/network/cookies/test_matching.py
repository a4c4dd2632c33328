"""Which requests a cookie belongs to."""

from __future__ import annotations

import pytest

from steprunners.network.cookies.matching import Target, domain_matches, path_matches, target_of


@pytest.mark.parametrize(
    ("url", "host", "path", "is_secure"),
    [
        ("http://localhost:8080", "localhost", "/", False),
        ("https://Shop.Example/a/b?c=/d/#e", "shop.example", "/a/b", True),
        ("http://[0:0::1]:80/x", "::1", "/x", False),
        ("http://127.0.0.1/", "127.0.0.1", "/", False),
    ],
)
def test_target(url: str, host: str, path: str, is_secure: bool) -> None:
    assert target_of(url) == Target(host, path, is_secure)


@pytest.mark.parametrize(
    ("header", "host"),
    [("Shop.example:8080", "shop.example"), ("[::1]:1", "::1"), ("", "a"), ("[", "a"), (":80", "a")],
)
def test_the_host_header_says_which_host_is_meant(header: str, host: str) -> None:
    assert target_of("http://a/", header).host == host


@pytest.mark.parametrize(
    ("path", "default"),
    [
        ("/", "/"),
        ("/a", "/"),
        ("/a/", "/a"),
        ("/a/b", "/a"),
        ("/a/b/c.html", "/a/b"),
        ("//", "/"),
        ("/a//", "/a/"),
    ],
)
def test_default_path(path: str, default: str) -> None:
    assert Target("h", path, is_secure=False).default_path() == default


@pytest.mark.parametrize(
    ("host", "domain", "matches"),
    [
        ("shop.example", "shop.example", True),
        ("a.shop.example", "shop.example", True),
        ("ashop.example", "shop.example", False),
        ("example", "shop.example", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "0.0.1", False),
        ("::1", "::1", True),
        ("1.::1", "::1", True),  # not an address, so the rule of names counts
    ],
)
def test_domains(host: str, domain: str, matches: bool) -> None:
    assert domain_matches(host, domain) is matches


@pytest.mark.parametrize(
    ("path", "of_cookie", "matches"),
    [
        ("/", "/", True),
        ("/a", "/", True),
        ("/a", "/a", True),
        ("/a/", "/a", True),
        ("/a/b", "/a", True),
        ("/ab", "/a", False),
        ("/a", "/a/", False),
        ("/a/b", "/a/", True),
        ("/A", "/a", False),
        ("/%61", "/a", False),
    ],
)
def test_paths(path: str, of_cookie: str, matches: bool) -> None:
    assert path_matches(path, of_cookie) is matches
