"""Which addresses may be reached: a value object, so that one installation can have one a tenant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from steprunners.base import AddressRefused
from steprunners.network.addresses import (
    Address,
    is_metadata,
    parse_address,
    why_private,
    why_unusable,
    with_embedded,
)

MAX_BODY_BYTES = 10 * 1024 * 1024
METADATA = "a metadata address"

_ENTRY = re.compile(
    r"(?:\[(?P<bracketed>[^\]]+)\]|(?P<plain>[^:\[\]]*)|(?P<six>[0-9A-Fa-f:.]+(?:/\d+)?))(?::(?P<port>\d{1,5}))?\Z"
)
_NAME = re.compile(r"(?:\*|(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)\Z")


@dataclass(frozen=True)
class NetworkPolicy:
    """What may be reached besides public addresses, and how large an answer may be.

    `allowed` holds exceptions: a host name (`shop.internal`, `*.internal`), an address or CIDR
    (`10.0.0.0/8`), each with an optional port (`localhost:8001`, `[::1]:80`), or a port alone (`:8001`). A
    host name is trusted with whatever private address it resolves to. Metadata services are refused whatever
    `allowed` and `deny_private` say. `max_body_bytes` caps the decoded body of one HTTP answer, `max_rows` and
    `max_messages` what a step that reads rows or messages collects.
    `sqlite_folder` is the folder below which SQLite files may be opened; None where none may.
    """

    allowed: tuple[str, ...] = ()
    deny_private: bool = True
    max_body_bytes: int = MAX_BODY_BYTES
    sqlite_folder: str | None = None
    max_rows: int = 100_000
    max_messages: int = 10_000

    def __post_init__(self) -> None:
        """Raise ValueError where an entry of `allowed` cannot be read."""
        for entry in self.allowed:
            parse_entry(entry)

    @cached_property
    def _entries(self) -> tuple[AllowEntry, ...]:
        return tuple(parse_entry(entry) for entry in self.allowed)

    def why_refused(self, host: str, address: str, port: int) -> str | None:
        """Return why `address`, which `host` resolved to, may not be reached at `port`; None where it may."""
        parsed = parse_address(address)
        if is_metadata(parsed):
            return METADATA
        reason = why_unusable(parsed) or (why_private(parsed) if self.deny_private else None)
        if reason is None or any(entry.covers(host, parsed, port) for entry in self._entries):
            return None
        return reason

    def permitted(self, host: str, addresses: list[str], port: int) -> list[str]:
        """Return those of `addresses` that may be reached; raise AddressRefused where none may."""
        reasons = {address: self.why_refused(host, address, port) for address in addresses}
        permitted = [address for address, reason in reasons.items() if reason is None]
        if permitted:
            return permitted
        address, reason = next(iter(reasons.items()))
        shown = host if host == address else f"{host} ({address})"
        remedy = "no setting allows that" if reason == METADATA else "an administrator can allow it"
        raise AddressRefused(f"{shown} may not be reached: it is {reason}; {remedy}")


@dataclass(frozen=True)
class AllowEntry:
    """One exception: a name or network, a port, or both."""

    name: str | None
    network: IPv4Network | IPv6Network | None
    port: int | None

    def covers(self, host: str, address: Address, port: int) -> bool:
        """Whether the entry speaks of this host (or address) and port."""
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            return all(self._holds(each) for each in _reachable(address))
        return self.name is None or _name_matches(self.name, host)

    def _holds(self, address: Address) -> bool:
        return (
            self.network is not None and address.version == self.network.version and address in self.network
        )


def _reachable(address: Address) -> list[Address]:
    # The IPv4 addresses inside an IPv6 one decide, where there are any: `::/0` must not open 127.0.0.1.
    embedded = list(with_embedded(address))
    return embedded[1:] or embedded


def _name_matches(pattern: str, host: str) -> bool:
    host = host.rstrip(".").lower()
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return pattern in ("*", host)


@lru_cache(maxsize=256)
def parse_entry(text: str) -> AllowEntry:
    """Return the entry of an allow list; raise ValueError where it is not one."""
    match = _ENTRY.match(text.strip())
    port = int(match["port"]) if match and match["port"] else None
    if match is None or (port is not None and not 0 < port < 65536):
        raise ValueError(f"'{text}' is not a host, an address, a CIDR or a port")
    place = match["bracketed"] or match["plain"] or match["six"] or ""
    if not place and port is None:
        raise ValueError("an entry of the allow list is empty")
    try:
        return AllowEntry(None, ip_network(place, strict=False), port)
    except ValueError:
        if place and not _NAME.match(place):
            raise ValueError(f"'{text}' is not a host, an address, a CIDR or a port") from None
    return AllowEntry(place.rstrip(".").lower() or None, None, port)
