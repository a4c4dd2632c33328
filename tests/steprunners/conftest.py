"""Real servers on loopback for the step runners, and the context that a runner gets."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme

from steprunners.deadline import Cancellation, Deadline
from steprunners.network import NetworkPolicy
from steprunners.network.http_pool import close_connections
from steprunners.runner import ExecutionFacts, StepContext
from tests.steprunners.target import Target

LOOPBACK = NetworkPolicy(allowed=("127.0.0.0/8", "::1"))

MakeContext = Callable[..., StepContext[Any]]


@pytest.fixture
def target() -> Iterator[Target]:
    """An HTTP server whose answers the test writes byte by byte."""
    with Target() as server:
        yield server
    close_connections()


@pytest.fixture
def tls_target(authority: trustme.CA) -> Iterator[Callable[..., Target]]:
    """Start TLS servers with a certificate; all are ended with the test."""
    started: list[Target] = []

    def start(
        certificate: trustme.LeafCert | None = None, client_authority: trustme.CA | None = None
    ) -> Target:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (certificate or authority.issue_cert("127.0.0.1", "localhost")).configure_cert(context)
        if client_authority is not None:
            client_authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        started.append(Target(context).__enter__())
        return started[-1]

    yield start
    for server in started:
        server.close()
    close_connections()


@pytest.fixture
def make_context() -> MakeContext:
    """Build a runner's context: ten seconds, loopback allowed, unless the test says otherwise."""

    def make(seconds: float = 10.0, **changes: Any) -> StepContext[Any]:
        fields: dict[str, Any] = {
            "deadline": Deadline(seconds),
            "cancellation": Cancellation(),
            "network": LOOPBACK,
            "execution": ExecutionFacts("0193a5b0-0000-7000-8000-000000000000", 0),
        }
        return StepContext(**(fields | changes))

    return make
