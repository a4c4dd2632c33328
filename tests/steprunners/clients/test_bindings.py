"""Every field of every connection: whether a stored secret may stay when it changes."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field

from steprunners.clients.bindings import BOUND, FREE, SERVER, VERIFIES, changes, fields_of
from steprunners.config import ConnectionConfig, Secret
from steprunners.json_types import Json
from steprunners.registry import connection_classes

#: `bound`: every change counts; `protects`: a weaker value does; `free`: none does.
EXPECTED = {
    "http": {"baseUrl": "bound", "headers": "bound", "verifyTls": "protects", "caCertificate": "bound",
             "clientCertificate": "free"},
    "sql": {"engine": "bound", "host": "bound", "port": "bound", "database": "free", "user": "free", "tls": "protects",
            "caCertificate": "bound"},
    "kafka": {"bootstrapServers": "bound", "securityProtocol": "protects", "saslMechanism": "protects",
              "username": "free", "caCertificate": "bound", "clientCertificate": "free", "options.clientId": "free",
              "options.isolationLevel": "free", "options.verifyTls": "protects"},
    "redis": {"host": "bound", "port": "bound", "database": "free", "username": "free", "tls": "protects",
              "verifyTls": "protects", "caCertificate": "bound", "clientCertificate": "free"},
    "loki": {"url": "bound", "username": "free", "timeout": "free", "verifyTls": "protects", "caCertificate": "bound",
             "namespace": "free", "tenant": "free"},
    "prometheus": {"url": "bound", "username": "free", "timeout": "free", "verifyTls": "protects",
                   "caCertificate": "bound"},
}  # fmt: skip


@pytest.mark.parametrize("kind", connection_classes())
def test_every_field_is_known(kind: str) -> None:
    """A new field fails here: decide whether a secret may stay when it changes, and say so at the field."""
    found = {}
    for each in fields_of(connection_classes()[kind]):
        binding = each.binding
        found[each.name] = "free" if binding.is_free else "protects" if binding.strengths else "bound"
    assert found == EXPECTED[kind]


@pytest.mark.parametrize(
    ("kind", "before", "after", "moved", "weakened"),
    [
        ("sql", {"tls": "verify"}, {"tls": "require"}, (), ("tls",)),
        ("sql", {"tls": "require"}, {}, (), ("tls",)),
        ("sql", {}, {"tls": "disable"}, (), ("tls",)),
        ("sql", {"tls": True}, {"tls": "verify"}, (), ()),
        ("sql", {"tls": "disable"}, {"tls": "verify"}, (), ()),
        ("sql", {}, {"tls": "prefer"}, (), ()),
        ("sql", {"tls": "verify"}, {"tls": 5}, (), ("tls",)),
        ("sql", {"engine": "postgresql"}, {"engine": "mysql"}, ("engine",), ()),
        ("sql", {"user": "a"}, {"user": "b", "database": "d"}, (), ()),
        ("http", {"verifyTls": True}, {"verifyTls": False}, (), ("verifyTls",)),
        ("http", {"verifyTls": False}, {}, (), ()),
        ("http", {}, {"caCertificate": "PEM"}, ("caCertificate",), ()),
        ("http", {"caCertificate": "a\nb"}, {"caCertificate": "a\r\nb\r\n"}, (), ()),
        ("http", {}, {"headers": {"Accept": "text/plain"}}, (), ()),
        ("http", {}, {"headers": {"hOst": "other.example"}}, ("headers",), ()),
        ("http", {"baseUrl": "https://a/x"}, {"baseUrl": "https://A:443/y"}, (), ()),
        ("http", {"baseUrl": "https://a"}, {"baseUrl": "http://a:443"}, ("baseUrl",), ()),
        ("redis", {"tls": True}, {}, (), ("tls",)),
        ("redis", {}, {"verifyTls": False, "tls": True}, (), ("verifyTls",)),
        ("redis", {}, {"port": 6379}, (), ()),
        ("kafka", {"securityProtocol": "SASL_SSL"}, {"securityProtocol": "sasl_plaintext"}, (), ("securityProtocol",)),
        ("kafka", {"securityProtocol": "SSL"}, {"securityProtocol": "SASL_SSL"}, (), ()),
        ("kafka", {"securityProtocol": "PLAINTEXT"}, {"securityProtocol": "sasl_ssl"}, (), ()),
        ("kafka", {}, {"saslMechanism": "PLAIN"}, (), ("saslMechanism",)),
        ("kafka", {"saslMechanism": "scram-sha-512"}, {}, (), ("saslMechanism",)),
        ("kafka", {"saslMechanism": "PLAIN"}, {"saslMechanism": "SCRAM-SHA-256"}, (), ()),
        ("kafka", {}, {"options": {"verifyTls": False}}, (), ("options.verifyTls",)),
        ("kafka", {}, {"options": {"clientId": "x"}}, (), ()),
        ("kafka", {}, {"options": 5}, (), ()),
        ("kafka", {"bootstrapServers": "a:1,b:1"}, {"bootstrapServers": ["b:1", "A:1"]}, (), ()),
        ("kafka", {"bootstrapServers": "a:1"}, {"bootstrapServers": "a:1,evil:1"}, ("bootstrapServers",), ()),
        ("loki", {"url": "https://l"}, {"url": "https://l", "tenant": "x", "timeout": "5s"}, (), ()),
        ("prometheus", {"verifyTls": True}, {"verifyTls": False}, (), ("verifyTls",)),
    ],
)  # fmt: skip
def test_changes(
    kind: str,
    before: dict[str, Json],
    after: dict[str, Json],
    moved: tuple[str, ...],
    weakened: tuple[str, ...],
) -> None:
    found = changes(connection_classes()[kind], before, after)
    assert (found.moved, found.weakened) == (moved, weakened)


class Added(ConnectionConfig):
    """A kind that says nothing of a field."""

    url: Annotated[str, SERVER]
    proxy: str | None = None
    label: Annotated[str, FREE] = ""
    strict: Annotated[bool, VERIFIES] = Field(True)
    token: Secret | None = None

    def check(self, network: Any, deadline: Any) -> str:
        return ""


def test_a_field_that_says_nothing_is_bound() -> None:
    assert {each.name: each.binding for each in fields_of(Added)}["proxy"] is BOUND
    assert changes(Added, {"url": "http://a"}, {"url": "http://a", "proxy": "p", "label": "x"}).moved == (
        "proxy",
    )
    assert "token" not in {each.name for each in fields_of(Added)}
