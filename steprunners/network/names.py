"""Which host names belong to private networks: others must not find out whether such a name exists."""

from __future__ import annotations

import re

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\Z")
#: Domains that no public name server answers for: RFC 6761, 6762, 8375, 9476, ICANN's `internal`, and common ones.
_DOMAINS = frozenset(
    {
        "alt",
        "consul",
        "corp",
        "home",
        "home.arpa",
        "internal",
        "intra",
        "intranet",
        "lan",
        "local",
        "localdomain",
        "localhost",
        "private",
        "svc",
    }
)


def is_internal(host: str) -> bool:
    """Whether the name (for DNS, `ascii_host`) has no dot, or ends in a domain of private networks."""
    name = host.removesuffix(".").lower()
    if not _NAME.match(name):
        return False  # not a host name, and an error may say so
    labels = name.split(".")
    return len(labels) == 1 or not _DOMAINS.isdisjoint({labels[-1], ".".join(labels[-2:])})
