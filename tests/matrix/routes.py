"""Every route that the resolver knows, as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver

#: What `test_admin` walks, and the net under unknown addresses of the API.
ADMIN, UNKNOWN = "admin/", "^api(?:/|$)"


def routes() -> list[str]:
    """Return the routes outside the admin, such as `api/v1/flows/<uuid:pk>`, each once."""
    return [each for each in dict.fromkeys(_below(get_resolver(), "")) if not each.startswith(ADMIN)]


def _below(resolver: Any, prefix: str) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _below(pattern, route)
        else:
            yield route
