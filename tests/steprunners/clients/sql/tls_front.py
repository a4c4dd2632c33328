"""TLS in front of a PostgreSQL that has none, by PostgreSQL's own handshake (manual 54.2.10, SSLRequest)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import Self

import trustme

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class TlsFront:
    """Takes connections with TLS, and hands what comes through on to the server."""

    def __init__(self, certificate: trustme.LeafCert, port: int) -> None:
        """Listen on a free port."""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, AssertionError):
            assert client.recv(8) == _SSL_REQUEST
            client.sendall(b"S")
            secured = self._context.wrap_socket(client, server_side=True)
            server = socket.create_connection(("127.0.0.1", self._target))
            # TLS reads and writes of one socket take turns, so a short timeout lets the other side speak.
            secured.settimeout(0.005)
            server.settimeout(0.005)
            while _pass_on(secured, server) and _pass_on(server, secured):
                pass
            server.close()
            secured.close()


def _pass_on(source: socket.socket, sink: socket.socket) -> bool:
    try:
        data = source.recv(65536)
    except TimeoutError:
        return True
    sink.sendall(data)
    return bool(data)
