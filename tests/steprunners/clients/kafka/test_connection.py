"""A cluster's config, and what checking it finds."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from asynctester.embedded.processes import free_port
from steprunners.clients.kafka.checking import check_cluster
from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.deadline import Deadline
from steprunners.errors import AddressRefused, ConnectionFailed, DeadlineExceeded, Refused, StepError
from steprunners.network import NetworkPolicy
from tests.servers.kafka import MECHANISMS, PASSWORD, USER, KafkaBroker
from tests.steprunners.conftest import LOOPBACK


def check(policy: NetworkPolicy = LOOPBACK, seconds: float = 8, **config: Any) -> str:
    return check_cluster(KafkaConnection(**config), policy, Deadline(seconds))


def listener(broker: KafkaBroker, name: str) -> str:
    address = getattr(broker, name)
    if address is None:
        pytest.skip(f"the broker of KAFKA_BOOTSTRAP has no {name} listener that is known here")
    return str(address)


@pytest.fixture
def authority_pem(kafka_broker: KafkaBroker) -> str:
    if kafka_broker.authority is None:
        pytest.skip("the broker of KAFKA_BOOTSTRAP has no authority that is known here")
    return kafka_broker.authority.cert_pem.bytes().decode()


class TestConfig:
    def test_servers_are_a_list_or_a_text(self) -> None:
        assert KafkaConnection(bootstrap_servers=["a:1", "b:2"]).bootstrap_servers == "a:1,b:2"
        assert KafkaConnection(bootstrap_servers=" a:1 , [::1]:2").bootstrap_servers == "a:1,[::1]:2"

    @pytest.mark.parametrize("wrong", ["", " , ", "http://a:1", "a:0", "a:99999", "a b:1", "user@a:1"])
    def test_addresses_are_checked(self, wrong: str) -> None:
        with pytest.raises(ValidationError):
            KafkaConnection(bootstrap_servers=wrong)

    def test_a_login_needs_its_parts(self) -> None:
        with pytest.raises(ValidationError, match="needs username and password"):
            KafkaConnection(bootstrap_servers="a:1", security_protocol="SASL_SSL")
        with pytest.raises(ValidationError, match="saslMechanism needs securityProtocol"):
            KafkaConnection(bootstrap_servers="a:1", sasl_mechanism="PLAIN")

    def test_secrets_are_secret(self) -> None:
        assert KafkaConnection.secret_fields() == {"password", "clientKey"}


class TestCheck:
    def test_in_the_clear(self, kafka_broker: KafkaBroker) -> None:
        assert "connected to" in check(bootstrap_servers=kafka_broker.plaintext)

    def test_tls(self, kafka_broker: KafkaBroker, authority_pem: str) -> None:
        servers = listener(kafka_broker, "tls")
        found = check(bootstrap_servers=servers, security_protocol="SSL", ca_certificate=authority_pem)
        assert found == f"connected to 1 broker ({servers})"

    def test_a_client_certificate_is_shown(self, kafka_broker: KafkaBroker, authority_pem: str) -> None:
        assert kafka_broker.authority is not None
        for authority, trusted in ((kafka_broker.authority, True), (trustme.CA(), False)):
            leaf = authority.issue_cert("tester")
            config: dict[str, Any] = {
                "bootstrap_servers": listener(kafka_broker, "tls"),
                "security_protocol": "SSL",
                "ca_certificate": authority_pem,
                "client_certificate": leaf.cert_chain_pems[0].bytes().decode(),
                "client_key": leaf.private_key_pem.bytes().decode(),
            }
            if trusted:
                check(**config)
            else:
                with pytest.raises(ConnectionFailed):
                    check(**config)

    def test_an_unknown_authority(self, kafka_broker: KafkaBroker) -> None:
        with pytest.raises(ConnectionFailed, match="certificate is not trusted"):
            check(bootstrap_servers=listener(kafka_broker, "tls"), security_protocol="SSL")

    @pytest.mark.parametrize("mechanism", MECHANISMS)
    @pytest.mark.parametrize("name", ["sasl", "sasl_tls"])
    def test_logins(self, kafka_broker: KafkaBroker, authority_pem: str, mechanism: str, name: str) -> None:
        config: dict[str, Any] = {
            "bootstrap_servers": listener(kafka_broker, name),
            "security_protocol": "SASL_SSL" if name == "sasl_tls" else "SASL_PLAINTEXT",
            "sasl_mechanism": mechanism,
            "ca_certificate": authority_pem,
            "username": USER,
        }
        assert "connected to 1 broker" in check(**config, password=PASSWORD)
        with pytest.raises(Refused, match="refused the login") as caught:
            check(**config, password="wrong-password")
        assert "wrong-password" not in caught.value.message
        with pytest.raises(Refused, match="refused the login"):
            check(**(config | {"username": "mallory"}), password=PASSWORD)

    @pytest.mark.parametrize("name", ["tls", "sasl"])
    def test_the_wrong_protocol_is_told(self, kafka_broker: KafkaBroker, name: str) -> None:
        with pytest.raises(ConnectionFailed, match=r"does securityProtocol match|or it expects TLS"):
            check(bootstrap_servers=listener(kafka_broker, name))

    def test_a_login_where_none_is_asked_for(self, kafka_broker: KafkaBroker) -> None:
        config: dict[str, Any] = {"security_protocol": "SASL_PLAINTEXT", "username": "a", "password": "b"}
        with pytest.raises(Refused, match="does securityProtocol match"):
            check(bootstrap_servers=kafka_broker.plaintext, **config)

    def test_an_advertised_address_is_checked_too(self, kafka_broker: KafkaBroker) -> None:
        with pytest.raises(AddressRefused, match=r"192\.0\.2\.1 may not be reached"):
            check(bootstrap_servers=listener(kafka_broker, "misadvertised"))

    def test_loopback_is_refused_by_default(self, kafka_broker: KafkaBroker) -> None:
        with pytest.raises(AddressRefused):
            check(NetworkPolicy(), bootstrap_servers=kafka_broker.plaintext)

    def test_nothing_listens(self) -> None:
        with pytest.raises(ConnectionFailed, match="nothing listens there"):
            check(bootstrap_servers=f"127.0.0.1:{free_port()}")

    def test_only_brokers_that_answer_count(self, kafka_broker: KafkaBroker) -> None:
        gone, alive = f"127.0.0.1:{free_port()}", kafka_broker.plaintext
        found = check(bootstrap_servers=f"{gone},{alive}")
        assert found == f"connected to 1 of 2 brokers ({alive}); no answer from {gone}"

    def test_a_broker_that_takes_connections_and_never_answers(self, kafka_broker: KafkaBroker) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            found = check(bootstrap_servers=f"{address},{kafka_broker.plaintext}")
        assert found.endswith(f"no answer from {address}")

    def test_no_such_name(self) -> None:
        with pytest.raises(StepError, match="cannot be resolved"):
            check(bootstrap_servers="no-such-host.invalid:9092")

    @pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
    def test_silence_ends_in_time(self, protocol: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(DeadlineExceeded):
                check(seconds=0.5, bootstrap_servers=address, security_protocol=protocol)
