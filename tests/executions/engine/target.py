"""A system under test for the engine's tests: it counts calls, fails on demand, answers late."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Target(ThreadingHTTPServer):
    """`/echo` answers with the request; `/fail?times=n` fails n times; `/slow?ms=` waits; `/status?code=` answers so.

    `key=` separates counters; `calls[key]` says how often a key was called.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: Counter[str] = Counter()
        self.times: list[float] = []
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def count(self, key: str) -> int:
        with self.lock:
            self.calls[key] += 1
            self.times.append(time.monotonic())
            return self.calls[key]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Target

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        number = self.server.count(query.get("key", url.path))
        if "ms" in query:
            time.sleep(int(query["ms"]) / 1000)
        code = int(query.get("code", 200))
        if number <= int(query.get("times", 0)):
            code = 500
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode() if length else ""
        answer = {"number": number, "path": url.path, "query": query, "body": body}
        self.answer(code, answer)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # http.server's names

    def answer(self, code: int, body: dict[str, Any]) -> None:
        raw = json.dumps(
            {**body, "headers": {key.lower(): value for key, value in self.headers.items()}}
        ).encode()
        try:
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the caller was cancelled

    def log_message(self, *_: Any) -> None:
        pass
