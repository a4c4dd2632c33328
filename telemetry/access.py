"""Who may read the metrics: requests with the token or, if none is set, requests from this machine."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable


def has_token(authorization: str, token: str) -> bool:
    """Return whether an Authorization header carries the token (RFC 6750)."""
    scheme, _, given = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


def is_direct_from_loopback(address: str, headers: Iterable[str]) -> bool:
    """Return whether a request comes from this machine, and not through a proxy on it.

    `headers` are the names of the request's headers: what a proxy adds tells that the address is the proxy's.
    """
    through = ("forwarded", "x-forwarded-", "x-real-ip", "via")
    if any(name.lower().startswith(through) for name in headers):
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a unix socket has none, and a proxy at its other end
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback
