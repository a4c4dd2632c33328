"""Certificates: whom an HTTP call trusts, and what it shows."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme

from steprunners.clients.http.connection import HttpConnection
from steprunners.errors import BadConfig, ConnectionFailed
from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import answer, run
from tests.steprunners.target import Target


class TestTls:
    def resource(self, target: Target, authority: trustme.CA, **more: Any) -> HttpConnection:
        pem = authority.cert_pem.bytes().decode()
        return HttpConnection.model_validate({"baseUrl": target.url, "caCertificate": pem, **more})

    def test_own_authority(
        self, tls_target: Callable[..., Target], authority: trustme.CA, make_context: MakeContext
    ) -> None:
        target = tls_target()
        target.route("/", answer({}, b"safe"))
        context = make_context(connection=self.resource(target, authority))
        assert [run(context, url="/")["body"] for _ in range(2)] == ["safe", "safe"]
        assert target.connections == 1

    def test_unknown_authority(self, tls_target: Callable[..., Target], make_context: MakeContext) -> None:
        with pytest.raises(ConnectionFailed, match="certificate is not trusted: unable to get local issuer"):
            run(make_context(), url=tls_target().url)

    def test_verification_switched_off(
        self, tls_target: Callable[..., Target], make_context: MakeContext
    ) -> None:
        assert run(make_context(), url=tls_target().url, verifyTls=False)["status"] == 404

    def test_wrong_host(
        self, tls_target: Callable[..., Target], authority: trustme.CA, make_context: MakeContext
    ) -> None:
        target = tls_target(authority.issue_cert("elsewhere.example"))
        with pytest.raises(ConnectionFailed, match=r"not valid for '127\.0\.0\.1'"):
            run(make_context(connection=self.resource(target, authority)), url="/")

    def test_expired(
        self, tls_target: Callable[..., Target], authority: trustme.CA, make_context: MakeContext
    ) -> None:
        before, after = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC)
        target = tls_target(authority.issue_cert("127.0.0.1", not_before=before, not_after=after))
        with pytest.raises(ConnectionFailed, match="certificate has expired"):
            run(make_context(connection=self.resource(target, authority)), url="/")

    @pytest.mark.parametrize("reset", [False, True])
    def test_closed_during_the_handshake(self, make_context: MakeContext, reset: bool) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def close_early() -> None:
                connection, _ = listener.accept()
                connection.recv(1024)
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()

            server = threading.Thread(target=close_early)
            server.start()
            with pytest.raises(ConnectionFailed, match="reset the connection" if reset else "TLS failed"):
                run(make_context(), url=f"https://127.0.0.1:{listener.getsockname()[1]}/", method="POST")
            server.join()

    def test_plain_http_where_tls_is_expected(self, target: Target, make_context: MakeContext) -> None:
        with pytest.raises(ConnectionFailed):
            run(make_context(), url=target.url.replace("http:", "https:"))

    def test_client_certificate(
        self, tls_target: Callable[..., Target], authority: trustme.CA, make_context: MakeContext
    ) -> None:
        target = tls_target(client_authority=authority)
        client = authority.issue_cert("client@example.com")
        pair = {
            "clientCertificate": client.cert_chain_pems[0].bytes().decode(),
            "clientKey": client.private_key_pem.bytes().decode(),
        }
        context = make_context(connection=self.resource(target, authority, **pair))
        assert run(context, url="/")["status"] == 404
        with pytest.raises(ConnectionFailed):
            run(make_context(connection=self.resource(target, authority)), url="/")

    @pytest.mark.parametrize(
        "broken",
        [
            {"caCertificate": "not pem"},
            {"clientCertificate": "x", "clientKey": "y"},
            {"clientCertificate": "\udc80"},
        ],
    )
    def test_broken_pem(
        self,
        tls_target: Callable[..., Target],
        authority: trustme.CA,
        make_context: MakeContext,
        broken: dict[str, str],
    ) -> None:
        context = make_context(connection=self.resource(tls_target(), authority, **broken))
        with pytest.raises(BadConfig, match="PEM"):
            run(context, url="/")
