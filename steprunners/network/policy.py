"""Which addresses may be reached: a value object, so that each tenant of an installation can have its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from steprunners.errors import AddressRefused
from steprunners.network.addresses import Address, is_address, is_metadata, parse_address, refusals
from steprunners.network.names import is_internal
from steprunners.values.hosts import ascii_host

MAX_BODY_BYTES = 10 * 1024 * 1024
METADATA = "a metadata address"

_ENTRY = re.compile(
    r"(?:\[(?P<bracketed>[^\]]+)\]|(?P<plain>[^:\[\]]*)|(?P<six>[0-9A-Fa-f:.]+(?:/\d+)?))(?::(?P<port>\d{1,5}))?\Z"
)
_NAME = re.compile(r"(?:\*|(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)\Z")


@dataclass(frozen=True)
class NetworkPolicy:
    """What may be reached in addition to public addresses, and how large an answer may be.

    - `allowed`: exceptions. An entry is a host name (`shop.internal`, `*.internal`), an address or CIDR (`10.0.0.0/8`),
      each with an optional port (`localhost:8001`, `[::1]:80`), or only a port (`:8001`). A host name may resolve to
      any private address. Metadata services are always refused.
    - `max_body_bytes`: the limit of the decoded body of one HTTP answer
    - `max_rows`, `max_messages`: the limits of one step that reads rows or messages
    - `sqlite_folder`: the folder of the SQLite files that may be opened; None where none may
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
        """Return why `address`, which `host` resolved to, may not be reached at `port`; None where it may.

        An address with an IPv4 address inside counts as both, and each of them must be public or allowed.
        """
        parsed = parse_address(address)
        if is_metadata(parsed):
            return METADATA
        for each, reason in refusals(parsed, deny_private=self.deny_private):
            if not any(entry.covers(host, each, port) for entry in self._entries):
                return reason
        return None

    def permitted(self, host: str, addresses: list[str], port: int) -> list[str]:
        """Return those of `addresses` that may be reached; raise AddressRefused where none may."""
        reasons = {address: self.why_refused(host, address, port) for address in addresses}
        permitted = [address for address, reason in reasons.items() if reason is None]
        if permitted:
            return permitted
        if not is_address(host):
            raise self.refusal(host)
        reason = next(iter(reasons.values()))
        remedy = "no setting allows that" if reason == METADATA else "an administrator can allow it"
        raise AddressRefused(f"{host} may not be reached: it is {reason}; {remedy}")

    def refusal(self, host: str) -> AddressRefused:
        """Return the error for a name. It does not show whether the name exists, nor its addresses."""
        return AddressRefused(
            f"{host} may not be reached: the network rules refuse it; if it exists, an administrator can allow it"
        )

    def hides(self, host: str, port: int) -> bool:
        """Return whether an error must not show that this name does not exist.

        That holds for names of private networks, unless private networks or this name are allowed.
        """
        if not self.deny_private or not is_internal(host):
            return False
        return not any(entry.names(host, port) for entry in self._entries)


@dataclass(frozen=True)
class AllowEntry:
    """One exception: a name or network, a port, or both."""

    name: str | None
    network: IPv4Network | IPv6Network | None
    port: int | None

    def covers(self, host: str, address: Address, port: int) -> bool:
        """Whether the entry allows this host (or address) and port."""
        if self.network is None:
            return self.names(host, port)
        fits = address.version == self.network.version and address in self.network
        return fits and self.port in (None, port)

    def names(self, host: str, port: int) -> bool:
        """Whether the entry allows this name, whatever its address is."""
        if self.network is not None or self.port not in (None, port):
            return False
        return self.name is None or _name_matches(self.name, host)


def _name_matches(pattern: str, host: str) -> bool:
    host = host.rstrip(".").lower()
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return pattern in ("*", host)


@lru_cache(maxsize=256)
def parse_entry(text: str) -> AllowEntry:
    """Return the entry of an allow list; raise ValueError where the text is not one."""
    match = _ENTRY.match(text.strip())
    port = int(match["port"]) if match and match["port"] else None
    if match is None or (port is not None and not 0 < port < 65536):
        raise ValueError(f"'{text}' is not a host, an address, a CIDR or a port")
    place = ascii_host(match["bracketed"] or match["plain"] or match["six"] or "")
    if not place and port is None:
        raise ValueError("an entry of the allow list is empty")
    try:
        return AllowEntry(None, ip_network(place, strict=False), port)
    except ValueError:
        if place and not _NAME.match(place):
            raise ValueError(f"'{text}' is not a host, an address, a CIDR or a port") from None
    return AllowEntry(place.rstrip(".").lower() or None, None, port)
