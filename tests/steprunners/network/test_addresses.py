"""Every row of IANA's special-purpose registries, whatever embeds an IPv4 address, and how one may be written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.network import NetworkPolicy
from steprunners.network.addresses import (
    METADATA_NETWORKS,
    TABLE,
    Network,
    Row,
    is_address,
    parse_address,
    with_embedded,
)

DEFAULT = NetworkPolicy()
#: The registries of 2026 (iana-ipv4-special-registry, iana-ipv6-special-registry), and what is deprecated.
REGISTRY = [
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32", "192.0.0.170/32", "192.0.0.171/32",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.88.99.2/32", "192.168.0.0/16",
    "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "255.255.255.255/32",
    "::1/128", "::/128", "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23",
    "2001::/32", "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32", "2001:4:112::/48",
    "2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16",
    "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    "200::/7", "400::/6", "1000::/4", "4000::/3", "6000::/3", "8000::/3", "a000::/3", "c000::/3", "e000::/4",
    "f000::/5", "f800::/6", "fe00::/9",
]  # fmt: skip
#: Forms of 127.0.0.1, and what each is.
LOOPBACK = {
    "::ffff:127.0.0.1": "mapped", "::ffff:7f00:1": "mapped", "::127.0.0.1": "compatible", "::7f00:1": "compatible",
    "::ffff:0:127.0.0.1": "SIIT", "::ffff:0:7f00:1": "SIIT", "64:ff9b::127.0.0.1": "NAT64",
    "64:ff9b:1::7f00:1": "local NAT64, /96", "64:ff9b:1:7f00:0:100::": "local NAT64, /48",
    "64:ff9b:1:7f:0:1::": "local NAT64, /56", "64:ff9b:1:0:7f:0:100:0": "local NAT64, /64",
    "2002:7f00:1::": "6to4", "2002:7f00:1:1:2:3:4:5": "6to4", "2001:0:7f00:1:8000:63bf:f7f7:f7f7": "Teredo, server",
    "2001:0:4136:e378:8000:63bf:80ff:fffe": "Teredo, client", "fe80::5efe:7f00:1": "ISATAP",
    "2606:4700::5efe:7f00:1": "ISATAP", "2606:4700::200:5efe:127.0.0.1": "ISATAP", "2002:808:808::5efe:7f00:1": "both",
    "2606:4700::100:5efe:7f00:1": "ISATAP, group",
}  # fmt: skip


@pytest.mark.parametrize("row", REGISTRY)
def test_a_row_of_the_registry(row: str) -> None:
    network = ip_network(row)
    for address in (network[0], network[network.num_addresses // 2], network[-1]):
        assert DEFAULT.why_refused("h", str(address), 80) is not None, address


@pytest.mark.parametrize("row", [row for row in TABLE if row.why], ids=lambda row: str(row.network))
def test_a_row_of_the_table_is_reached_only_where_it_is_allowed(row: Row) -> None:
    network = row.network
    first = str(network[1 if network.prefixlen < network.max_prefixlen else 0])
    assert DEFAULT.why_refused("h", first, 80) is not None
    allowing = tuple(str(each) for each in with_embedded(parse_address(first)))
    metadata = any(parse_address(first) in each for each in METADATA_NETWORKS)
    assert (NetworkPolicy(allowed=allowing).why_refused("h", first, 80) is None) is not metadata


@pytest.mark.parametrize("network", METADATA_NETWORKS, ids=str)
def test_metadata_is_refused_whatever_is_allowed(network: Network) -> None:
    everything = NetworkPolicy(allowed=("*", "0.0.0.0/0", "::/0", ":80"), deny_private=False)
    address = network[0]
    forms = [str(address)]
    if isinstance(address, IPv4Address):
        forms += [f"::ffff:0:{address}", f"::ffff:{address}", f"64:ff9b::{address}", f"fe80::5efe:{address}"]
    assert {everything.why_refused("h", form, 80) for form in forms} == {"a metadata address"}


@pytest.mark.parametrize("address", LOOPBACK, ids=LOOPBACK.values())
class TestEmbedded:
    def test_it_is_refused(self, address: str) -> None:
        assert DEFAULT.why_refused("h", address, 80) is not None

    def test_the_inner_address_is_found(self, address: str) -> None:
        assert IPv4Address("127.0.0.1") in with_embedded(parse_address(address))

    def test_allowing_the_outer_form_alone_is_not_enough(self, address: str) -> None:
        assert NetworkPolicy(allowed=("::/0",)).why_refused("h", address, 80) == "a loopback address"

    def test_both_forms_may_be_allowed(self, address: str) -> None:
        both = NetworkPolicy(allowed=("::/0", "0.0.0.0/0"))
        assert both.why_refused("h", address, 80) is None


@pytest.mark.parametrize(
    "address",
    ["::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "2002:7f00:1::1", "fe80::5efe:7f00:1"],
)
def test_allowing_the_inner_address_alone_is_not_enough(address: str) -> None:
    assert NetworkPolicy(allowed=("127.0.0.0/8",)).why_refused("h", address, 80) is not None


@pytest.mark.parametrize("address", ["::ffff:127.0.0.1", "64:ff9b::7f00:1"])
def test_a_spelling_of_what_is_allowed(address: str) -> None:
    assert NetworkPolicy(allowed=("127.0.0.0/8",)).why_refused("h", address, 80) is None


@pytest.mark.parametrize(
    "address",
    ["2606:4700::1111", "2001:200::1", "2001:4860:4860::8888", "2620:4f:8001::1", "2003::1", "3ffd::1", "2a00::1",
     "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
     "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
     "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)  # fmt: skip
def test_the_neighbours_are_open(address: str) -> None:
    assert DEFAULT.why_refused("h", address, 80) is None


@given(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**64 - 1))
def test_wrapping_an_address_never_makes_it_more_open(address: IPv4Address, noise: int) -> None:
    if DEFAULT.why_refused("h", str(address), 80) is None:
        return
    number = int(address)
    wrapped = [
        int(ip_address("::ffff:0:0")) | number,
        int(ip_address("::ffff:0:0:0")) | number,
        int(ip_address("64:ff9b::")) | number,
        int(ip_address("64:ff9b:1::")) | number,
        int(ip_address("2002::")) | number << 80 | noise,
        int(ip_address("2001::")) | number << 64 | noise,
        int(ip_address("2001::")) | (noise << 32 & (2**96 - 1) & ~(0xFFFFFFFF << 64)) | (number ^ 0xFFFFFFFF),
        int(ip_address("2606:4700::5efe:0:0")) | number,
        number,
    ]
    assert all(DEFAULT.why_refused("h", str(IPv6Address(each)), 80) for each in wrapped)


@given(st.one_of(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)))
def test_what_python_calls_not_global_is_refused(address: IPv4Address | IPv6Address) -> None:
    if not address.is_global:
        assert DEFAULT.why_refused("h", str(address), 80) is not None


@pytest.mark.parametrize("text", ["fe80::1%eth0", "::1%lo", "fe80::a9fe:a9fe%1", "::1%25lo"])
def test_a_zone_changes_nothing(text: str) -> None:
    assert is_address(text)
    assert DEFAULT.why_refused(text, text, 80) == DEFAULT.why_refused("h", text.partition("%")[0], 80)


@pytest.mark.parametrize(
    "text", ["127.0.0.1%eth0", "8.8.8.8%x", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "\uff11\uff12\uff17.0.0.1",
             "127.0.0.1."]
)  # fmt: skip
def test_what_only_a_resolver_reads_is_a_name(text: str) -> None:
    assert not is_address(text)
