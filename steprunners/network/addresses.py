"""Classifies IP addresses: the IPv4 addresses inside them, and why they should not be reached.

`ipaddress.is_global` is not enough: it accepts `::127.0.0.1`, `64:ff9b::a9fe:a9fe` and `2002:a9fe:a9fe::1`.
So an IPv4 address inside an IPv6 address is unwrapped, and each form is looked up in our own tables. Sources:
the IANA special-purpose address registries (RFC 6890 and what followed it) and the IPv6 address space; RFC 4291
(mapped, compatible), 6052 and 8215 (NAT64), 7915 (SIIT, of RFC 2765), 3056 (6to4), 4380 (Teredo), 5214 (ISATAP).
Of IPv6 only 2000::/3 is assigned: the rest is refused, whether a row names it or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: Services that give credentials to every program inside a cloud.
METADATA_NETWORKS: list[Network] = [
    ip_network(text)
    for text in (
        "169.254.169.254/32",  # nearly everyone
        "169.254.169.253/32",  # AWS: name server
        "169.254.170.2/32",  # AWS: containers
        "169.254.170.23/32",  # AWS: pods
        "169.254.0.23/32",  # Tencent
        "169.254.42.42/32",  # Scaleway
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # Azure: the host of a machine
        "192.0.0.192/32",  # Oracle
        "fd00:ec2::254/128",  # AWS
        "fd00:ec2::253/128",  # AWS: name server
        "fd00:ec2::23/128",  # AWS: pods
        "fd00:42::42/128",  # Scaleway
        "fd20:ce::254/128",  # Google
        "fe80::a9fe:a9fe/128",  # OpenStack
    )
]
#: Addresses of the internet, and networks whose addresses lead to the IPv4 address inside them.
_OPEN = ("0.0.0.0/0", "2000::/3", "::ffff:0:0/96", "64:ff9b::/96")
_UNUSABLE = {
    "an unspecified address": ("0.0.0.0/8", "::/128"),
    "a multicast address": ("224.0.0.0/4", "ff00::/8"),
    "a reserved address": (
        "192.0.0.0/24",  # protocol assignments
        "240.0.0.0/4",
        "255.255.255.255/32",
        "::/0",  # everything that no other row names
        "100::/64",  # discarded
        "100:0:0:1::/64",  # dummies
        "3ffe::/16",  # returned to IANA
        "5f00::/16",  # segments of routes
    ),
    "a deprecated IPv4-compatible address": ("::/96",),
    "a documentation address": (
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
        "3fff::/20",
    ),
    "a special-purpose address that no server has": (
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.175.48.0/24",  # AS112, delegated
        "2001::/23",  # protocol assignments: ORCHID, drones, AMT, AS112 …
        "2620:4f:8000::/48",  # AS112, delegated
    ),
}
#: Networks that NETWORK_DENY_PRIVATE=false allows.
_PRIVATE = {
    "a loopback address": ("127.0.0.0/8", "::1/128"),
    "a link-local address": ("169.254.0.0/16", "fe80::/10"),
    "a private address": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    "a shared (carrier-grade NAT) address": ("100.64.0.0/10",),
    "a benchmarking address": ("198.18.0.0/15", "2001:2::/48"),
    "an address of a local translation prefix": ("64:ff9b:1::/48", "::ffff:0:0:0/96"),
    "an address of a tunnel": ("192.88.99.0/24", "2001::/32", "2002::/16"),
}


@dataclass(frozen=True)
class Row:
    """A network, why it should not be reached (None: it may), and whether it is a private network."""

    network: Network
    why: str | None
    is_private: bool = False


def _rows() -> Iterator[Row]:
    yield from (Row(ip_network(text), None) for text in _OPEN)
    yield from (Row(ip_network(text), why) for why, texts in _UNUSABLE.items() for text in texts)
    yield from (
        Row(ip_network(text), why, is_private=True) for why, texts in _PRIVATE.items() for text in texts
    )


#: Every address is in one of these rows; the narrowest network comes first and decides.
TABLE: list[Row] = sorted(_rows(), key=lambda row: -row.network.prefixlen)

# --- IPv4 inside IPv6 -----------------------------------------------------------------------------


def _bits(*parts: tuple[int, int]) -> Callable[[int], int]:
    """Return a function that cuts an IPv4 address out of an IPv6 one; a part is `(first bit, number of bits)`."""

    def cut(number: int) -> int:
        found = 0
        for first, count in parts:
            found = found << count | (number >> (128 - first - count)) & ((1 << count) - 1)
        return found

    return cut


_LAST = _bits((96, 32))
#: Where packets to an address of the network may end up: RFC 6052 leaves out bits 64 to 71.
EMBEDDING: list[tuple[IPv6Network, tuple[Callable[[int], int], ...]]] = [
    (IPv6Network("::ffff:0:0/96"), (_LAST,)),
    (IPv6Network("::ffff:0:0:0/96"), (_LAST,)),
    (IPv6Network("::/96"), (_LAST,)),
    (IPv6Network("64:ff9b::/96"), (_LAST,)),
    (
        IPv6Network("64:ff9b:1::/48"),
        (_LAST, _bits((48, 16), (72, 16)), _bits((56, 8), (72, 24)), _bits((72, 32))),
    ),
    (IPv6Network("2002::/16"), (_bits((16, 32)),)),
    (IPv6Network("2001::/32"), (_bits((32, 32)), lambda number: ~number & 0xFFFFFFFF)),
]
#: The wrong prefix length finds one of these, where the translator's own finds the address.
_NOTHING = IPv4Network("0.0.0.0/8")
_SCOPE = re.compile(r"%.*\Z", re.DOTALL)


def parse_address(text: str) -> Address:
    """Return the address; the scope id of an IPv6 one is dropped. Raises ValueError."""
    return ip_address(_SCOPE.sub("", text) if ":" in text else text)


def is_address(text: str) -> bool:
    """Whether the text is an address, and not a name that must be looked up."""
    try:
        parse_address(text)
    except ValueError:
        return False
    return True


def with_embedded(address: Address) -> Iterator[Address]:
    """Yield the address, and every IPv4 address that packets to it may reach."""
    yield address
    if isinstance(address, IPv4Address):
        return
    number = int(address)
    for network, cuts in EMBEDDING:
        if address in network and number > 1:  # :: and ::1 are themselves
            found = [IPv4Address(cut(number)) for cut in cuts]
            yield from (each for each in found if len(found) == 1 or each not in _NOTHING)
    if _is_isatap(address):
        yield IPv4Address(_LAST(number))


def _is_isatap(address: IPv6Address) -> bool:
    # With any prefix: the interface id is [02]00:5efe:a.b.c.d, or the same with the group bit.
    return (int(address) >> 32) & 0xFCFFFFFF == 0x00005EFE


# --- why an address is refused ----------------------------------------------------------------------


@lru_cache(maxsize=1024)
def is_metadata(address: Address) -> bool:
    """Whether the address is a cloud's metadata service, which hands out credentials."""
    return any(each in network for each in with_embedded(address) for network in METADATA_NETWORKS)


@lru_cache(maxsize=1024)
def refusals(address: Address, *, deny_private: bool) -> tuple[tuple[Address, str], ...]:
    """Return each form of the address (itself, and IPv4 inside it) that should not be reached, with the reason."""
    rows = [(each, _row_of(each)) for each in with_embedded(address)]
    return tuple(
        (each, row.why) for each, row in rows if row.why is not None and (deny_private or not row.is_private)
    )


def _row_of(address: Address) -> Row:
    return next(row for row in TABLE if address in row.network)
