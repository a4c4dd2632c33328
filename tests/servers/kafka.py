"""Apache Kafka 4 in KRaft mode, one process that is broker and controller, from Maven artifacts.

`KAFKA_BOOTSTRAP` names a broker of one's own (PLAINTEXT) instead; what needs its TLS or SASL listeners is skipped then.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

from asynctester.embedded.processes import free_port, listens
from tests.servers.server import Unavailable, launch

POM = Path(__file__).parent / "kafka_jars" / "pom.xml"
#: Named after the version in the pom, so that a new version is resolved anew.
JARS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "asynctester" / "kafka-4.1.0"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
JAVA = ["java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*"]

USER, PASSWORD = "alice", "wonderland-9"
#: The user is known to each of them.
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True)
class KafkaBroker:
    """Where each listener is (`host:port`; None where an own broker has none)."""

    plaintext: str
    sasl: str | None = None
    tls: str | None = None
    sasl_tls: str | None = None
    #: A listener that tells clients to go to an address of the documentation range.
    misadvertised: str | None = None
    authority: trustme.CA | None = None


def own_broker() -> KafkaBroker | None:
    """Return the broker that KAFKA_BOOTSTRAP names."""
    address = os.environ.get("KAFKA_BOOTSTRAP")
    return KafkaBroker(address) if address else None


def start_kafka(folder: Path) -> tuple[subprocess.Popen[bytes], KafkaBroker]:
    """Start a broker; return its process and its listeners. Raises Unavailable."""
    resolve_jars()
    authority = trustme.CA()
    ports = [free_port() for _ in range(6)]
    properties = _write_settings(folder, authority, ports)
    format_storage(folder, properties, cluster_id())
    process = launch(
        [*JAVA, "kafka.Kafka", properties],
        ready=lambda: all(listens("127.0.0.1", port) for port in ports),
        log=folder / "kafka.log",
        within=60,
    )
    plaintext, sasl, tls, sasl_tls, misadvertised = (f"127.0.0.1:{port}" for port in ports[:5])
    return process, KafkaBroker(plaintext, sasl, tls, sasl_tls, misadvertised, authority)


def resolve_jars() -> None:
    """Have Maven fetch Kafka, once for this machine. Raises Unavailable."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None and not (program == "mvn" and JARS.is_dir()):
            raise Unavailable(f"Kafka needs {program} on PATH (Debian: default-jre-headless, maven)")
    if JARS.is_dir():
        return
    JARS.parent.mkdir(parents=True, exist_ok=True)
    partial = JARS.with_name(f"{JARS.name}.{uuid.uuid4().hex}")
    done = subprocess.run(
        ["mvn", "-q", "-B", "-f", POM, PLUGIN, "-DincludeScope=runtime", f"-DoutputDirectory={partial}"],
        capture_output=True,
        check=False,
        timeout=600,
    )
    if done.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise Unavailable(f"Maven does not resolve Kafka: {done.stdout.decode(errors='replace')[-800:]}")
    try:
        partial.rename(JARS)
    except OSError:  # another test process was first
        shutil.rmtree(partial, ignore_errors=True)


def _write_settings(folder: Path, authority: trustme.CA, ports: list[int]) -> Path:
    names = ("PLAIN", "SASL", "TLS", "SASLTLS", "ELSEWHERE", "CONTROLLER")
    protocols = ("PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL", "PLAINTEXT", "PLAINTEXT")
    addresses = [f"{name}://127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)]
    advertised = [*addresses[:4], "ELSEWHERE://192.0.2.1:9092"]
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{ports[5]}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAIN",
        "listeners": ",".join(addresses),
        "advertised.listeners": ",".join(advertised),
        "listener.security.protocol.map": ",".join(
            f"{name}:{protocol}" for name, protocol in zip(names, protocols, strict=True)
        ),
        "log.dirs": str(folder / "data"),
        "num.partitions": "1",
        "offsets.topic.num.partitions": "1",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "group.initial.rebalance.delay.ms": "0",
        "auto.create.topics.enable": "true",
        **_tls_settings(folder, authority),
        **_sasl_settings(),
    }
    path = folder / "server.properties"
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return path


def _tls_settings(folder: Path, authority: trustme.CA) -> dict[str, str]:
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    pkcs8 = key.private_bytes(  # the only form that Kafka reads
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = b"".join(each.bytes() for each in certificate.cert_chain_pems)
    (folder / "broker.pem").write_bytes(pkcs8 + chain)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "authority.pem"),
        "ssl.client.auth": "requested",
    }


def _sasl_settings() -> dict[str, str]:
    settings: dict[str, str] = {}
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule"
    for listener in ("sasl", "sasltls"):
        prefix = f"listener.name.{listener}"
        settings[f"{prefix}.sasl.enabled.mechanisms"] = ",".join(MECHANISMS)
        settings[f"{prefix}.plain.sasl.jaas.config"] = f'{plain} required user_{USER}="{PASSWORD}";'
        for mechanism in ("scram-sha-256", "scram-sha-512"):
            settings[f"{prefix}.{mechanism}.sasl.jaas.config"] = f"{scram} required;"
    return settings


def cluster_id() -> str:
    """Return a new id for a cluster, in Kafka's form."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")


def format_storage(folder: Path, properties: Path, identifier: str) -> None:
    """Prepare a broker's folder for the cluster. Raises Unavailable."""
    command: list[str | Path] = [*JAVA, "kafka.tools.StorageTool", "format", "-c", properties]
    command += ["-t", identifier]
    for mechanism in MECHANISMS[1:]:
        command += ["--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]"]
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd=folder,
        timeout=60,
    )
    if done.returncode != 0:
        raise Unavailable(
            f"Kafka's storage cannot be formatted: {done.stderr.decode(errors='replace')[-800:]}"
        )
