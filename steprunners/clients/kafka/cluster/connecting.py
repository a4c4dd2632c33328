"""kafka-python's connections over our own sockets, with checked addresses, limited handshakes and the real errors.

kafka-python 3.0 resolves names by itself (`kafka.net.inet`), so it would connect to any host that
`advertised.listeners` names. The one method that opens a socket (`_build_transport`) is overridden here, and
pyproject.toml pins the exact version for it.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import Any

import kafka.errors as kafka_errors
from kafka.future import Future
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

from steprunners.clients.kafka.connection import KafkaConnection
from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import StepError
from steprunners.network import Call, NetworkPolicy, TlsOptions, open_socket
from steprunners.network.tls import context_for

#: From the name look-up to the end of the login, in seconds.
CONNECT_SECONDS = 10.0


class WholeAnswers:
    """Keeps the answer of a broker that refuses a login and hangs up: kafka-python would see only the end."""

    def _sock_recv(self) -> tuple[bytes, Exception | None]:
        data, error = super()._sock_recv()  # type: ignore[misc]  # of the transport that this is mixed into
        return data, None if data else error


class ClearTransport(WholeAnswers, KafkaTCPTransport):  # type: ignore[misc]  # kafka-python has no types
    """A connection without TLS."""


class PromptTlsTransport(WholeAnswers, KafkaSSLTransport):  # type: ignore[misc]  # kafka-python has no types
    """TLS with a deadline for the handshake, and with the original errors."""

    async def shake_hands(self, until: float) -> None:
        """Complete the handshake by `until` (monotonic seconds)."""
        while True:
            try:
                self._sock.do_handshake()
            except ssl.SSLWantReadError:
                await self._net.wait_read(self._sock, timeout_at=until)
            except ssl.SSLWantWriteError:
                await self._net.wait_write(self._sock, timeout_at=until)
            else:
                return


class GuardedManager(KafkaConnectionManager):  # type: ignore[misc]  # kafka-python has no types
    """Opens all connections through the network policy, also those to advertised brokers."""

    def __init__(
        self, net: NetworkSelector, policy: NetworkPolicy, tls: TlsOptions | None, **configs: Any
    ) -> None:
        """Keep the policy and the TLS options of the connections."""
        super().__init__(net, **configs)
        self._policy = policy
        self._tls = tls

    async def _build_transport(self, node: Any, timeout_at: float | None = None) -> Any:
        until = time.monotonic() + CONNECT_SECONDS if timeout_at is None else timeout_at
        handle = await self._open(node.host, node.port, until)
        if self._tls is None:
            return ClearTransport(self._net, handle, host=node.host)
        try:
            transport = PromptTlsTransport(
                self._net, handle, host=node.host.removesuffix("."), ssl_context=context_for(self._tls)
            )
        except BaseException:
            handle.close()
            raise
        try:
            await transport.shake_hands(until)
        except BaseException:
            transport.close()
            raise
        return transport

    def _open(self, host: str, port: int, until: float) -> Future:
        """Connect in another thread: a name look-up blocks, and the loop serves other brokers meanwhile."""
        opened = Future()

        def settle(result: socket.socket | Exception) -> None:
            if isinstance(result, Exception):
                opened.failure(result)
            else:
                opened.success(result)

        def work() -> None:
            result: socket.socket | Exception
            call = Call(self._policy, Deadline(until - time.monotonic()), Cancellation())
            try:
                result = open_socket(call, host, port)
                result.setblocking(False)
                result.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            except (StepError, OSError) as error:
                result = error
            self._hand_over(settle, result)

        threading.Thread(target=work, name="kafka-connect", daemon=True).start()
        return opened

    def _hand_over(self, settle: Any, result: socket.socket | Exception) -> None:
        try:
            self._net.call_soon_threadsafe(lambda: settle(result))
        except RuntimeError:  # the client was closed meanwhile
            if isinstance(result, socket.socket):
                result.close()


def make_manager(connection: KafkaConnection, policy: NetworkPolicy) -> GuardedManager:
    """Return the manager of the connections to a cluster; its loop is not started yet."""
    options = connection.options
    net = NetworkSelector(client_id=options.client_id, slow_task_threshold_secs=0)
    return GuardedManager(
        net,
        policy,
        connection.tls,
        bootstrap_servers=connection.bootstrap_servers.split(","),
        client_id=options.client_id,
        security_protocol=connection.security_protocol,
        sasl_mechanism=connection.mechanism if connection.uses_sasl else None,
        sasl_plain_username=connection.username,
        sasl_plain_password=connection.password,
        # A broker answers one request after the other; a limit here would only make requests fail.
        max_in_flight_requests_per_connection=10_000,
        receive_message_max_bytes=64 * 1024 * 1024,
        reconnect_backoff_ms=50,
        reconnect_backoff_max_ms=1_000,
        request_timeout_ms=15_000,
        socket_connection_setup_timeout_ms=CONNECT_SECONDS * 1000,
    )


def last_reason(error: BaseException) -> BaseException:
    """Return the error inside kafka-python's error, or the error itself."""
    inner = error.args[0] if isinstance(error, kafka_errors.KafkaConnectionError) and error.args else None
    return inner if isinstance(inner, BaseException) else error
