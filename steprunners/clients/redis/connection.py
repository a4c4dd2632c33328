"""The config of a `redis` resource: a Redis or Valkey."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from steprunners.clients.bindings import FREE, VERIFIES
from steprunners.clients.redis.session import Address
from steprunners.clients.server_fields import CaCertificate, ClientCertificate, ClientKey, Host, VerifyTls
from steprunners.config import ConnectionConfig, Secret


class RedisConnection(ConnectionConfig):
    """One server; a node of a cluster answers only for its own keys."""

    host: Host
    port: int = Field(6379, ge=1, le=65_535)
    database: Annotated[int, FREE] = Field(0, ge=0, le=1_000_000, description="The number of the database.")
    username: Annotated[str | None, FREE] = Field(
        None, description="An ACL user; `default` if only a password is given."
    )
    password: Secret | None = None
    tls: Annotated[bool, VERIFIES] = False
    verify_tls: VerifyTls = True
    ca_certificate: CaCertificate = None
    client_certificate: ClientCertificate = None
    client_key: ClientKey = None

    @model_validator(mode="after")
    def _whole_login(self) -> RedisConnection:
        if self.username and not self.password:
            raise ValueError("a username needs a password")
        return self

    def address(self) -> Address:
        """Return where to connect to and how to log in."""
        return Address(
            host=self.host,
            port=self.port,
            database=self.database,
            username=self.username or None,
            password=self.password or None,
            tls=self.tls,
            verify=self.verify_tls,
            ca_certificate=self.ca_certificate or None,
            client_certificate=self.client_certificate or None,
            client_key=self.client_key or None,
        )
