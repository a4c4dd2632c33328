"""A port of its own for a process's metrics: METRICS_ADDRESS, for installations whose processes share no machine."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client.registry import Collector

from telemetry.access import has_token
from telemetry.exposition import render

logger = logging.getLogger(__name__)

Start = Callable[[str, list[tuple[str, str]]], Any]


class BadAddress(ValueError):
    """METRICS_ADDRESS is not HOST:PORT."""


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a scrape; without the look-up of its own name, which takes seconds where no name server answers."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind, and say nothing of who we are."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "", self.server_address[1]
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    timeout = 10  # seconds; who connects and says nothing does not hold up the next one for ever

    def log_message(self, *_: Any) -> None:
        """Say nothing of scrapes."""


def parse(address: str) -> tuple[str, int]:
    """Return host and port; raises BadAddress."""
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise BadAddress(f"METRICS_ADDRESS is not HOST:PORT: {address}")
    return host.strip("[]"), int(port)


def serve(address: str, *, token: str, more: Sequence[Collector] = ()) -> WSGIServer | None:
    """Show the metrics at the address, in a thread of its own; None where nobody can listen there.

    Whoever reaches the address may read them, unless a token is set. Raises BadAddress.
    """
    host, port = parse(address)
    try:
        server = make_server(
            host, port, _application(token, more), _Server6 if ":" in host else _Server, _Quiet
        )
    except OSError as problem:
        # Another process of this machine has it: its folder (PROMETHEUS_MULTIPROC_DIR) may be shared with this one.
        logger.warning("no metrics at %s: %s", address, problem)
        return None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def _application(token: str, more: Sequence[Collector]) -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
    def answer(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if token and not has_token(environ.get("HTTP_AUTHORIZATION", ""), token):
            return _text(start, "401 Unauthorized", "METRICS_TOKEN is required.")
        if environ["PATH_INFO"] != "/metrics":
            return _text(start, "404 Not Found", "Only /metrics exists here.")
        try:
            body, content_type = render(environ.get("HTTP_ACCEPT", ""), more)
        except Exception:
            logger.exception("the metrics cannot be read")
            return _text(start, "503 Service Unavailable", "The metrics cannot be read.")
        start("200 OK", [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]

    return answer


def _text(start: Start, status: str, sentence: str) -> Iterable[bytes]:
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("WWW-Authenticate", "Bearer")]
    start(status, headers if status.startswith("401") else headers[:1])
    return [f"{sentence}\n".encode()]
