"""A tested system that repeats whatever it is told, in every encoding, and hands out secrets of its own."""

from __future__ import annotations

import base64
import html
import json
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, unquote, urlsplit


class Telltale(ThreadingHTTPServer):
    """`/tell` repeats the request; `/login`, `/token` and `/late` hand out `given`; `/to` redirects; `/fail` is 500."""

    daemon_threads = True

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.given = given
        self.heard = bytearray()
        self.late, self.known = threading.Event(), threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Telltale

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.heard += f"{self.path}\n{self.headers}\n".encode() + body
        url = urlsplit(self.path)
        handler = getattr(self, f"_{url.path.strip('/').split('/')[0]}", self._tell)
        handler(url, body)

    do_POST = do_PUT = do_GET  # noqa: N815  # http.server's names

    def _tell(self, url: Any, body: bytes, status: int = 200) -> None:
        header = self.headers.get("X-Api-Key", "")
        told = {
            "url": self.path,
            "path": unquote(url.path),
            "query": parse_qs(url.query),
            "headers": dict(self.headers.items()),
            "body": body.decode("utf-8", "replace"),
            "encoded": {name: encode(self.path + header) for name, encode in _ENCODERS.items()},
            "around": {name: encode(body.decode("utf-8", "replace")) for name, encode in _ENCODERS.items()},
        }
        raw = json.dumps(told).encode()
        self._answer(status, raw, {"X-Told": quote(header), "Set-Cookie": f"session={quote_plus(header)}"})

    def _fail(self, url: Any, body: bytes) -> None:
        self._tell(url, body, status=500)

    def _login(self, url: Any, body: bytes) -> None:
        self._answer(200, json.dumps({"token": self.server.given["extract"], "user": "alice"}).encode())

    def _token(self, url: Any, body: bytes) -> None:
        token = {"access_token": self.server.given["access"], "token_type": "Bearer", "expires_in": 60}
        self._answer(200, json.dumps(token).encode())

    def _late(self, url: Any, body: bytes) -> None:
        """Hand out a secret while `/beside` is being answered."""
        self.server.late.wait(10)
        self._answer(200, json.dumps({"token": self.server.given["late"]}).encode())

    def _beside(self, url: Any, body: bytes) -> None:
        """Repeat that secret once the service has stored it, which a step that uses it tells."""
        self.server.late.set()
        self.server.known.wait(20)
        self._answer(200, json.dumps({"said": self.server.given["late"]}).encode())

    def _known(self, url: Any, body: bytes) -> None:
        self.server.known.set()
        self._answer(200, b"{}")

    def _to(self, url: Any, body: bytes) -> None:
        self._answer(302, b"", {"Location": "/tell" + self.path.removeprefix("/to")})

    def _answer(self, status: int, raw: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        fields = {"Content-Type": "application/json", "Content-Length": str(len(raw)), **(headers or {})}
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_ENCODERS: dict[str, Callable[[str], str]] = {
    "html": html.escape,
    "url": lambda text: quote(text, safe=""),
    "plus": quote_plus,
    "json": json.dumps,
    "twice": lambda text: json.dumps({"in": json.dumps([text], ensure_ascii=False)}),
    "base64": _base64,
    "shifted": lambda text: _base64("a" + text),
    "urlsafe": lambda text: base64.urlsafe_b64encode(("bb" + text).encode()).decode(),
}


class RefusingRedis(socketserver.ThreadingTCPServer):
    """Speaks enough of Redis to refuse whoever signs in, and to repeat the password in its words."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Refusal)
        self.port: int = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class _Refusal(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        words = []
        while line := self.rfile.readline():
            if not line.startswith((b"*", b"$")):
                words.append(line.strip())
            if len(words) >= 2:
                said = b" ".join(words).replace(b"\r", b"")
                self.wfile.write(b"-WRONGPASS I was told " + said + b"\r\n")
