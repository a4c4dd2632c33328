"""The config of a `sql` resource: where the database is, and how to log in."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from steprunners.clients.bindings import AUTHORITY, FREE, protects
from steprunners.clients.server_fields import Host
from steprunners.config import ConnectionConfig, Secret

Engine = Literal["postgresql", "mysql", "mariadb", "sqlite"]
#: The weakest first.
TlsMode = Literal["disable", "prefer", "require", "verify"]


def _tls_mode(value: Any) -> Any:
    return {True: "verify", False: "disable"}[value] if isinstance(value, bool) else value


class SqlConnection(ConnectionConfig):
    """A database of a server, or a SQLite file."""

    engine: Engine
    host: Host | None = Field(None, description="A name or an address.")
    port: int | None = Field(None, ge=1, le=65535, description="Default: 5432 for postgresql, else 3306.")
    database: Annotated[str, FREE] = Field(
        min_length=1,
        max_length=1_000,
        pattern=r"^[^\x00]*$",
        description="For sqlite a file below the installation's SQLITE_FOLDER, never in production.",
    )
    user: Annotated[str | None, FREE] = Field(None, min_length=1, max_length=255, pattern=r"^[^\x00]*$")
    password: Secret | None = Field(None, max_length=10_000, pattern=r"^[^\x00]*$")
    tls: Annotated[TlsMode, BeforeValidator(_tls_mode), protects(*get_args(TlsMode))] = Field(
        "prefer",
        description="prefer: TLS if the server has it; require: TLS without verifying the server; verify: TLS, and the "
        "server's certificate must be valid. true means verify, false means disable.",
    )
    ca_certificate: Annotated[str | None, AUTHORITY] = Field(
        None, description="The authority to trust for verify, in PEM form."
    )

    @model_validator(mode="after")
    def _whole(self) -> SqlConnection:
        if self.engine != "sqlite" and (self.host is None or self.user is None):
            raise ValueError(f"{self.engine} needs host and user")
        if self.engine == "sqlite" and self.host is not None:
            raise ValueError("sqlite uses a file: leave out host")
        return self
