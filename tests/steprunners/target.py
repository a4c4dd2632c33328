"""A small HTTP/1.1 server on a raw socket, so that a test can answer wrongly, slowly, or not at all."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self


class CloseConnection(Exception):
    """Raised by a handler to end the connection without another byte."""


@dataclass
class Exchange:
    """One request as it arrived, and the socket to answer on."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: socket.socket
    number: int
    target: Target = field(repr=False)

    def send(self, raw: bytes) -> None:
        self.connection.sendall(raw)

    def reply(
        self,
        status: int = 200,
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
        reason: str = "OK",
    ) -> None:
        lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.send(head + (b"" if self.method == "HEAD" else body))

    def reply_json(self, value: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> None:
        self.reply(status, json.dumps(value).encode(), [("Content-Type", "application/json"), *headers])

    def hang(self) -> None:
        """Say nothing more until the client goes away or the server is closed."""
        self.connection.settimeout(20)
        with contextlib.suppress(OSError):
            while self.connection.recv(1024):
                pass
        raise CloseConnection


Handler = Callable[[Exchange], None]


class Target:
    """Serves `routes` by path (without query); everything that arrived is in `received`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.routes: dict[str, Handler] = {}
        self.received: list[Exchange] = []
        self.connections = 0
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def route(self, path: str, handler: Handler) -> str:
        """Answer `path` with `handler`; return its URL."""
        self.routes[path] = handler
        return self.url + path

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        connection = raw
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(raw, server_side=True)
                self._open.add(connection)
            number = self.connections
            while (exchange := self._read(connection, number)) is not None:
                self.received.append(exchange)
                path = exchange.path.partition("?")[0]
                self.routes.get(path, _not_found)(exchange)
        except (OSError, CloseConnection):
            pass
        finally:
            self._open -= {raw, connection}
            connection.close()

    def _read(self, connection: socket.socket, number: int) -> Exchange | None:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = connection.recv(65536)
            if not chunk:
                return None
            head += chunk
            if head[:1] == b"\x16":  # a TLS handshake: real servers answer in plain text, too
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return None
        head, _, body = head.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, path, _ = first.split(" ")
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
        return Exchange(method, path, headers, body, connection, number, self)


def _not_found(exchange: Exchange) -> None:
    exchange.reply(404, b"no such path", reason="Not Found")


def shop(target: Target) -> None:
    """Give the server the few paths that the step types' examples ask for."""

    def orders(exchange: Exchange) -> None:
        exchange.reply_json({"id": "42", **json.loads(exchange.body)}, 201)

    target.route("/orders", orders)
