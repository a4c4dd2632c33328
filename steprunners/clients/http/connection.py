"""The config of an `http` resource."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from steprunners.clients.bindings import AUTHORITY, FREE, SERVER, VERIFIES, Binding
from steprunners.clients.http.authentication import Auth
from steprunners.config import ConnectionConfig, Secret
from steprunners.json_types import Json
from steprunners.masking.secret_names import tells_secret


def _check_base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ValueError("baseUrl must begin with http:// or https:// and a host")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("baseUrl must not contain a user name, password, query or fragment")
    return value


def _virtual_host(headers: dict[str, Json]) -> Json:
    return next((str(value).lower() for name, value in headers.items() if name.lower() == "host"), None)


class HttpConnection(ConnectionConfig):
    """A server: where it is, and what every request to it carries."""

    base_url: Annotated[str, AfterValidator(_check_base_url), SERVER] = Field(
        description="What a step's relative url is put behind, such as https://shop.example/api."
    )
    headers: Annotated[dict[str, Json], Binding(meaning=_virtual_host)] = Field(
        default_factory=dict,
        json_schema_extra={"secretEntries": True},
        description=(
            "Sent with every request. Values of those whose names tell a secret (Authorization, Cookie, X-Api-Key, "
            "…token…) are never shown again."
        ),
    )
    auth: Annotated[Auth | None, Field(json_schema_extra={"writeOnly": True})] = Field(
        None, description="basic, bearer or oauth2ClientCredentials."
    )
    verify_tls: Annotated[bool, VERIFIES] = Field(
        True, description="Whether the server's certificate must be valid."
    )
    ca_certificate: Annotated[str | None, AUTHORITY] = Field(
        None, description="A further authority to trust, in PEM form."
    )
    client_certificate: Annotated[str | None, FREE] = Field(
        None, description="The certificate to show to the server, in PEM form."
    )
    client_key: Secret | None = Field(
        None, description="The key of clientCertificate, in PEM form, without a password."
    )

    def holds_secrets(self) -> bool:
        """Whether requests to the server carry something that others must not read."""
        headers = any(value is not None and tells_secret(name) for name, value in self.headers.items())
        return headers or self.auth is not None or bool(self.client_key)
