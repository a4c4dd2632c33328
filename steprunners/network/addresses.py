"""What an IP address is: its embedded IPv4, and why it should not be reached.

`ipaddress.is_global` is not enough: it accepts `::127.0.0.1`, `64:ff9b::a9fe:a9fe` and `2002:a9fe:a9fe::1`.
So an IPv4 address inside an IPv6 one is unwrapped, and both are looked up in a table of our own. Sources: the
IANA special-purpose address registries; RFC 4291 (mapped, compatible), 6052 (NAT64), 3056 (6to4), 4380
(Teredo), 5214 (ISATAP).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

_METADATA = tuple(
    map(
        ip_network,
        (
            "169.254.169.254/32",
            "169.254.170.2/32",
            "100.100.100.200/32",
            "fd00:ec2::254/128",
            "fd20:ce::254/128",
        ),
    )
)
_UNUSABLE = {
    "an unspecified address": ("0.0.0.0/8", "::/128"),
    "a multicast address": ("224.0.0.0/4", "ff00::/8"),
    "a reserved address": ("240.0.0.0/4", "192.0.0.0/24", "100::/64", "5f00::/16"),
    "a documentation address": (
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
        "3fff::/20",
    ),
}
_PRIVATE = {
    "a loopback address": ("127.0.0.0/8", "::1/128"),
    "a link-local address": ("169.254.0.0/16", "fe80::/10"),
    "a private address": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    "a shared (carrier-grade NAT) address": ("100.64.0.0/10",),
    "a benchmarking address": ("198.18.0.0/15", "2001:2::/48"),
    "an address of a local translation prefix": ("64:ff9b:1::/48",),
}
_UNUSABLE_NETWORKS = [(ip_network(text), why) for why, texts in _UNUSABLE.items() for text in texts]
_PRIVATE_NETWORKS = [(ip_network(text), why) for why, texts in _PRIVATE.items() for text in texts]

_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")


def parse_address(text: str) -> Address:
    """Return the address; a scope id is dropped. Raises ValueError."""
    return ip_address(text.partition("%")[0])


def with_embedded(address: Address) -> Iterator[Address]:
    """Yield the address and every IPv4 address that packets to it may end up at."""
    yield address
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1) or _is_isatap(address):
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _is_isatap(address: IPv6Address) -> bool:
    return (int(address) >> 32) & 0xFDFFFFFF == 0x00005EFE


@lru_cache(maxsize=1024)
def is_metadata(address: Address) -> bool:
    """Whether the address is a cloud's metadata service, which hands out credentials."""
    return any(each in network for each in with_embedded(address) for network in _METADATA)


@lru_cache(maxsize=1024)
def why_unusable(address: Address) -> str | None:
    """Return what makes the address no server's address, or None."""
    return _first_reason(address, _UNUSABLE_NETWORKS)


@lru_cache(maxsize=1024)
def why_private(address: Address) -> str | None:
    """Return what makes the address one of this machine or its own networks, or None."""
    return _first_reason(address, _PRIVATE_NETWORKS)


def _first_reason(address: Address, table: list[tuple[IPv4Network | IPv6Network, str]]) -> str | None:
    for each in with_embedded(address):
        for network, why in table:
            if each in network:
                return why
    return None
