"""The config of an `http` resource."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from steprunners.clients.bindings import SERVER, Binding
from steprunners.clients.http.authentication import Auth
from steprunners.clients.server_fields import (
    CaCertificate,
    ClientCertificate,
    ClientKey,
    VerifyTls,
    check_server_url,
)
from steprunners.config import ConnectionConfig
from steprunners.json_types import Json
from steprunners.masking.secret_names import tells_secret


def _check_base_url(value: str) -> str:
    return check_server_url(value, "baseUrl")


def _virtual_host(headers: dict[str, Json]) -> Json:
    return next((str(value).lower() for name, value in headers.items() if name.lower() == "host"), None)


class HttpConnection(ConnectionConfig):
    """A server: its address, and what every request to it carries."""

    base_url: Annotated[str, AfterValidator(_check_base_url), SERVER] = Field(
        description="The base of relative URLs in steps, such as https://shop.example/api."
    )
    headers: Annotated[dict[str, Json], Binding(meaning=_virtual_host)] = Field(
        default_factory=dict,
        json_schema_extra={"secretEntries": True},
        description=(
            "Sent with every request. Values with a telling name (Authorization, Cookie, X-Api-Key, …token…) are "
            "secret and never shown again."
        ),
    )
    auth: Annotated[Auth | None, Field(json_schema_extra={"writeOnly": True})] = Field(
        None, description="basic, bearer or oauth2ClientCredentials."
    )
    verify_tls: VerifyTls = True
    ca_certificate: CaCertificate = None
    client_certificate: ClientCertificate = None
    client_key: ClientKey = None

    def holds_secrets(self) -> bool:
        """Whether requests to the server carry secrets."""
        headers = any(value is not None and tells_secret(name) for name, value in self.headers.items())
        return headers or self.auth is not None or bool(self.client_key)
