"""Fields that the connections of several resource types share: the server's URL and its TLS settings."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from steprunners.clients.bindings import AUTHORITY, FREE, VERIFIES
from steprunners.config import Secret

VerifyTls = Annotated[bool, VERIFIES, Field(description="Whether the server's certificate must be valid.")]
CaCertificate = Annotated[
    str | None, AUTHORITY, Field(description="A further authority to trust, in PEM form.")
]
ClientCertificate = Annotated[
    str | None, FREE, Field(description="The certificate to show to the server, in PEM form.")
]
ClientKey = Annotated[
    Secret | None, Field(description="The key of clientCertificate, in PEM form, without a password.")
]


def check_server_url(value: str, name: str) -> str:
    """Return the URL of a server; raise ValueError, about the field `name`, where no path can follow it."""
    parts = urlsplit(value)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{name} must begin with http:// or https:// and a host")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"{name} must not contain a user name, password, query or fragment")
    return value
