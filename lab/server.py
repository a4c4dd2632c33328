"""The shop's HTTP API (lab/routes.py) on the standard library alone."""

from __future__ import annotations

import json
import re
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lab import metrics
from lab.routes import Answer, Call, Refused, answer
from lab.shop import Shop

LARGEST_BODY = 64 * 1024


class ShopServer(ThreadingHTTPServer):
    """Listens for one shop."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], shop: Shop) -> None:
        self.shop = shop
        self.closing = threading.Event()
        super().__init__(address, ShopHandler)


class ShopHandler(BaseHTTPRequestHandler):
    """One connection."""

    server: ShopServer
    protocol_version = "HTTP/1.1"
    timeout = 75
    wbufsize = -1  # head and body leave in one packet; two would cost a delayed ACK of 40 ms

    def do_GET(self) -> None:
        """Answer GET."""
        self._answer()

    def do_POST(self) -> None:
        """Answer POST."""
        self._answer()

    def do_DELETE(self) -> None:
        """Answer DELETE."""
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the caller's own history tells more."""

    def _answer(self) -> None:
        try:
            body = self._read_body()
            status, content = self._dispatch(body)
        except Refused as refusal:
            status, content = refusal.status, {"error": str(refusal)}
        self._send(status, content)

    def _read_body(self) -> bytes:
        """Read the request's body first of all: what is left unread would be taken for the next request."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "send a Content-Length")
        if not re.fullmatch(r"[0-9]{1,9}", length):
            self.close_connection = True
            raise Refused(HTTPStatus.BAD_REQUEST, "Content-Length is not a number")
        if int(length) > LARGEST_BODY:
            self.close_connection = True
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {LARGEST_BODY} bytes")
        return self.rfile.read(int(length))

    def _dispatch(self, body: bytes) -> Answer:
        target = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(target.query).items()}
        shop, closing = self.server.shop, self.server.closing
        return answer(self.command, target.path, lambda id_: Call(shop, closing, id_, query, body))

    def _send(self, status: HTTPStatus, content: Any) -> None:
        kind = metrics.CONTENT_TYPE if isinstance(content, str) else "application/json"
        payload = (content if isinstance(content, str) else json.dumps(content)).encode()
        if content is None:
            payload = b""
        self.send_response(status)
        if content is not None:
            self.send_header("Content-Type", kind)
        if status is not HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(payload)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(payload)
