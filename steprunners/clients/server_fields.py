"""Fields that the connections of several resource types share: the server's URL and its TLS settings."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from steprunners.clients.bindings import AUTHORITY, FREE, VERIFIES
from steprunners.config import Secret
from steprunners.errors import BadConfig
from steprunners.network.urls import ASCII_SPACE, normal_url, parts_of
from steprunners.values.hosts import ascii_host

_HOST = re.compile(r"[a-z0-9._:%-]+\Z")

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
    value = value.strip(ASCII_SPACE)
    parts = parts_of(value)
    if (parts.scheme or "").lower() not in ("http", "https") or not parts.authority:
        raise ValueError(f"{name} must begin with http:// or https:// and a host")
    if "@" in parts.authority or parts.query is not None or parts.fragment is not None:
        raise ValueError(f"{name} must not contain a user name, password, query or fragment")
    try:
        normal_url(value)
    except BadConfig as error:
        raise ValueError(f"{name}: {error}") from error
    return value


def check_host(value: str) -> str:
    """Return the host as it is looked up (UTS #46); raise ValueError where it is neither a name nor an address."""
    host = ascii_host(value)
    if not _HOST.match(host):
        raise ValueError(
            "host must be only a name or an address, such as cache.example; port and login have their own fields"
        )
    return host


#: The name or address of a server, for DNS.
Host = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(check_host)]
