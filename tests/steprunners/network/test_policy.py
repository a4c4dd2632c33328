"""Which addresses may be reached, and which are refused however they are written."""

from __future__ import annotations

import pytest

from steprunners.errors import AddressRefused
from steprunners.network import NetworkPolicy

DEFAULT = NetworkPolicy()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "loopback"), ("127.1.2.3", "loopback"), ("::1", "loopback"), ("::ffff:127.0.0.1", "loopback"),
        ("::127.0.0.1", "compatible"), ("64:ff9b::7f00:1", "loopback"), ("2002:7f00:1::1", "tunnel"),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", "tunnel"), ("fe80::1", "link-local"), ("fe80::1%eth0", "link-local"),
        ("10.1.2.3", "private"), ("172.31.0.1", "private"), ("192.168.1.1", "private"), ("fd00::1", "private"),
        ("::ffff:10.0.0.1", "private"), ("2001:db8:1::5efe:a00:1", "documentation"), ("100.64.0.1", "shared"),
        ("169.254.1.1", "link-local"), ("169.254.169.254", "metadata"), ("64:ff9b::a9fe:a9fe", "metadata"),
        ("2002:a9fe:a9fe::1", "metadata"), ("::ffff:169.254.169.254", "metadata"), ("fd00:ec2::254", "metadata"),
        ("100.100.100.200", "metadata"), ("0.0.0.0", "unspecified"), ("::", "unspecified"), ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"), ("255.255.255.255", "reserved"), ("240.0.0.1", "reserved"),
        ("192.0.2.1", "documentation"),
        ("198.18.0.1", "benchmarking"),
    ],
)  # fmt: skip
def test_refused_by_default(address: str, reason: str) -> None:
    assert reason in (DEFAULT.why_refused("host", address, 80) or "")


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "172.32.0.1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_open(address: str) -> None:
    assert DEFAULT.why_refused("host", address, 80) is None


@pytest.mark.parametrize(
    ("entry", "host", "address", "port", "open_"),
    [
        ("127.0.0.0/8", "x", "127.0.0.1", 80, True),
        ("127.0.0.0/8", "x", "::ffff:127.0.0.1", 80, True),
        ("127.0.0.1", "x", "127.0.0.2", 80, False),
        ("127.0.0.1:8001", "x", "127.0.0.1", 8001, True),
        ("127.0.0.1:8001", "x", "127.0.0.1", 8002, False),
        ("[::1]:80", "x", "::1", 80, True),
        ("::1", "x", "::1", 80, True),
        ("fd00::/8", "x", "fd12::1", 80, True),
        ("::/0", "x", "::127.0.0.1", 80, False),
        ("0.0.0.0/0", "x", "::ffff:10.0.0.1", 80, True),
        ("shop.internal", "SHOP.internal.", "10.0.0.1", 80, True),
        ("shop.internal", "evil.internal", "10.0.0.1", 80, False),
        ("*.internal", "a.b.internal", "10.0.0.1", 80, True),
        ("*.internal", "internal", "10.0.0.1", 80, False),
        ("*.internal", "evilinternal", "10.0.0.1", 80, False),
        ("localhost:8001", "localhost", "::1", 8001, True),
        (":8001", "anything", "10.0.0.1", 8001, True),
        (":8001", "anything", "10.0.0.1", 8002, False),
        ("*", "x", "169.254.169.254", 80, False),
        ("169.254.169.254", "x", "169.254.169.254", 80, False),
    ],
)
def test_allow_list(entry: str, host: str, address: str, port: int, open_: bool) -> None:
    assert (NetworkPolicy(allowed=(entry,)).why_refused(host, address, port) is None) == open_


@pytest.mark.parametrize(
    "entry", ["", " ", "10.0.0.0/99", "a b", "host:0", "host:99999", "http://host", "[::1", "a*b"]
)
def test_an_entry_that_cannot_be_read_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"allow list|is not a host"):
        NetworkPolicy(allowed=(entry,))


def test_without_the_private_rule_metadata_stays_refused() -> None:
    policy = NetworkPolicy(deny_private=False)
    assert policy.why_refused("h", "10.0.0.1", 80) is None
    assert policy.why_refused("h", "169.254.169.254", 80) == "a metadata address"
    assert policy.why_refused("h", "0.0.0.0", 80) is not None


def test_what_may_be_reached_is_kept() -> None:
    assert DEFAULT.permitted("h", ["10.0.0.1", "8.8.8.8"], 80) == ["8.8.8.8"]


@pytest.mark.parametrize("host", ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "169.254.169.254"])
def test_an_address_that_the_user_wrote_is_repeated_with_its_reason(host: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        DEFAULT.permitted(host, [host], 80)
    assert caught.value.message.startswith(f"{host} may not be reached: it is a ")


@pytest.mark.parametrize("host", ["db.internal", "db", "db.corp.example", "167772161", "127.1"])
def test_a_refusal_says_nothing_of_what_a_name_resolves_to(host: str) -> None:
    told = set()
    for addresses in (["10.0.0.1"], ["127.0.0.1", "::1"], ["169.254.169.254"], ["fd00::1"], ["192.0.2.1"]):
        with pytest.raises(AddressRefused) as caught:
            DEFAULT.permitted(host, addresses, 80)
        told.add(caught.value.message)
    assert told == {DEFAULT.refusal(host).message}


@pytest.mark.parametrize(
    ("host", "allowed", "hidden"),
    [
        ("db", (), True),
        ("db.internal", (), True),
        ("db.internal.", (), True),
        ("DB.LAN", (), True),
        ("nas.home.arpa", (), True),
        ("db.example", (), False),
        ("internal.example", (), False),
        ("db.internal", ("10.0.0.0/8",), True),
        ("db.internal", ("db.internal",), False),
        ("db.internal", ("*.internal:5432",), True),
        ("db.internal", ("*.internal:80",), False),
        ("db.internal", (":80",), False),
        ("", (), False),
        ("a b", (), False),
        ("a..b", (), False),
    ],
)
def test_whether_a_private_name_exists_is_hidden(host: str, allowed: tuple[str, ...], hidden: bool) -> None:
    assert NetworkPolicy(allowed=allowed).hides(host, 80) is hidden
    assert not NetworkPolicy(allowed=allowed, deny_private=False).hides(host, 80)
