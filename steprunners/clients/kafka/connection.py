"""The config of a `kafka` resource."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from steprunners.clients.bindings import FREE, VERIFIES, Binding, protects
from steprunners.clients.server_fields import CaCertificate, ClientKey, check_host
from steprunners.config import ConnectionConfig, Secret, UpperCase, Wire
from steprunners.masking.known_secrets import shorten
from steprunners.network import TlsOptions

_ADDRESS = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]]{1,253}))(?::(?P<port>[0-9]{1,5}))?\Z"
)

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
#: The weakest first.
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


def _joined(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _check_servers(value: str) -> str:
    addresses = [each.strip() for each in value.split(",") if each.strip()]
    if not addresses:
        raise ValueError("bootstrapServers must name at least one broker, as host:port")
    return ",".join(map(_checked_address, addresses))


def _checked_address(address: str) -> str:
    match = _ADDRESS.match(address)
    try:
        if match is None or not 0 < int(match["port"] or 9092) < 65536:
            raise ValueError
        return address if match["six"] else address.replace(match["host"], check_host(match["host"]), 1)
    except ValueError as error:
        raise ValueError(f"'{shorten(address, 80)}' is not a broker's address: write host:port") from error


#: The order of the brokers does not count.
_BROKERS = Binding(meaning=lambda servers: sorted(set(servers.lower().split(","))))
_ENCRYPTS = protects(False, True, meaning=lambda protocol: protocol.endswith("SSL"))
_DEFAULT_MECHANISM: SaslMechanism = "SCRAM-SHA-256"
#: PLAIN sends the password itself to the server that answers.
_SIGNS_IN = protects(*get_args(SaslMechanism), meaning=lambda mechanism: mechanism or _DEFAULT_MECHANISM)


class KafkaOptions(Wire):
    """Options that are rarely changed."""

    client_id: Annotated[str, FREE] = Field(
        "async-testing-service", min_length=1, max_length=200, description="As brokers log it."
    )
    isolation_level: Annotated[Literal["READ_UNCOMMITTED", "READ_COMMITTED"], UpperCase, FREE] = Field(
        "READ_UNCOMMITTED", description="READ_COMMITTED leaves out what aborted transactions wrote."
    )
    verify_tls: Annotated[bool, VERIFIES] = Field(
        True, description="Whether the brokers' certificates must be valid."
    )


class KafkaConnection(ConnectionConfig):
    """A cluster: its brokers, and how to log in."""

    bootstrap_servers: Annotated[str, BeforeValidator(_joined), AfterValidator(_check_servers), _BROKERS] = (
        Field(max_length=4_000, description="Brokers to ask first: host:port, several with commas.")
    )
    security_protocol: Annotated[SecurityProtocol, UpperCase, _ENCRYPTS] = Field(
        "PLAINTEXT", description="What the brokers' listener speaks."
    )
    sasl_mechanism: Annotated[Annotated[SaslMechanism, UpperCase] | None, _SIGNS_IN] = Field(
        None,
        description="How to sign in, with SASL_PLAINTEXT and SASL_SSL; SCRAM-SHA-256 where none is given.",
    )
    username: Annotated[str | None, FREE] = Field(None, description="The SASL user.")
    password: Secret | None = Field(None, description="The SASL user's password.")
    ca_certificate: CaCertificate = None
    client_certificate: Annotated[str | None, FREE] = Field(
        None, description="The certificate to show to the brokers, in PEM form."
    )
    client_key: ClientKey = None
    options: KafkaOptions = Field(default_factory=KafkaOptions)

    @model_validator(mode="after")
    def _check_together(self) -> KafkaConnection:
        if self.uses_sasl and not (self.username and self.password):
            raise ValueError(f"{self.security_protocol} needs username and password")
        if self.sasl_mechanism and not self.uses_sasl:
            raise ValueError(
                f"saslMechanism needs securityProtocol SASL_PLAINTEXT or SASL_SSL, not {self.security_protocol}"
            )
        return self

    @property
    def uses_sasl(self) -> bool:
        """Whether the connection has a login (SASL)."""
        return self.security_protocol.startswith("SASL_")

    @property
    def tls(self) -> TlsOptions | None:
        """The TLS settings; None without TLS."""
        if not self.security_protocol.endswith("SSL"):
            return None
        return TlsOptions(
            self.options.verify_tls, self.ca_certificate, self.client_certificate, self.client_key
        )

    @property
    def mechanism(self) -> str:
        """The SASL mechanism in use."""
        return self.sasl_mechanism or _DEFAULT_MECHANISM
