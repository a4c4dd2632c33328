"""Where a request came from, for limits and the audit log.

Headers such as X-Forwarded-For are whatever the client writes, so they are looked at only where TRUSTED_PROXY_HEADER
names one, and in it only the entry that the outermost of TRUSTED_PROXY_COUNT proxies of one's own wrote.
"""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

#: Who has one IPv6 address usually has its whole /64 (RFC 6177), so limits count these as one.
IPV6_PREFIX = 64


def client_address(request: HttpRequest) -> str | None:
    """Return the client's address; None where it is not known (a unix socket, a header without addresses)."""
    address = _parsed(_written(request))
    return str(address) if address else None


def client_network(request: HttpRequest) -> str | None:
    """Return what limits count as one client: an IPv4 address, or the first address of an IPv6 /64."""
    address = _parsed(_written(request))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, IPV6_PREFIX), strict=False).network_address)
    return str(address) if address else None


def _written(request: HttpRequest) -> str:
    remote: str = request.META.get("REMOTE_ADDR", "")
    if not settings.TRUSTED_PROXY_HEADER:
        return remote
    entries = [entry.strip() for entry in request.headers.get(settings.TRUSTED_PROXY_HEADER, "").split(",")]
    if len(entries) < settings.TRUSTED_PROXY_COUNT:
        return remote  # it did not come through the proxies
    return entries[-settings.TRUSTED_PROXY_COUNT] or remote


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
