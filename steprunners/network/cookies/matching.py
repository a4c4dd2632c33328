"""Which requests a cookie belongs to: hosts (RFC 6265, sections 5.1.2 and 5.1.3) and paths (section 5.1.4)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Target:
    """What of a request decides on its cookies. Ports do not: cookies are of a host, whatever its port."""

    host: str
    path: str
    is_secure: bool

    def default_path(self) -> str:
        """Return the path of a cookie that gives none: the folder of the request's path."""
        return self.path[: self.path.rfind("/")] or "/"


def target_of(url: str, host: str | None = None) -> Target:
    """Return the target of a request to the normal URL; `host` is its Host header, if it has one of its own."""
    parts = urlsplit(url)
    return Target(
        host=(_host_in(host) if host else "") or canonical(parts.hostname or ""),
        path=parts.path if parts.path.startswith("/") else "/",
        is_secure=parts.scheme == "https",
    )


def canonical(host: str) -> str:
    """Return a host in the form in which it is compared: lower case, IP addresses in their shortest spelling."""
    lowered = host.lower().removeprefix("[").removesuffix("]")
    address = _address(lowered)
    return lowered if address is None else str(address)


def domain_matches(host: str, domain: str) -> bool:
    """Return whether the domain is the host, or one above it. An IP address has none above it."""
    if host == domain:
        return True
    return host.endswith(f".{domain}") and _address(host) is None


def path_matches(path: str, of_cookie: str) -> bool:
    """Return whether the path is that of the cookie, or below it: `/ab` is not below `/a`."""
    if path == of_cookie:
        return True
    return path.startswith(of_cookie if of_cookie.endswith("/") else f"{of_cookie}/")


def _host_in(header: str) -> str:
    try:
        return canonical(urlsplit(f"//{header.strip()}").hostname or "")
    except ValueError:
        return ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
