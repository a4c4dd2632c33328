"""A tested system that knows the secrets, and says them in a chosen spelling, at a chosen place of its answer.

`/<place>/<spelling>/<name>`: it says the secret of that name (`all`: every one); `/mirror` repeats the request. With
`<place>@500` the middle of what it says is its 500th character, so that whoever cuts it there cuts it in two. It writes
its answers byte by byte itself, so that it can break the rules of HTTP too.
"""

from __future__ import annotations

import html
import json
import socketserver
import threading
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from tests.security.secrets import Canary
from tests.security.spellings import SPELLINGS

_LINE_BREAKS = {ord("\r"): " ", ord("\n"): " "}


class Echo(socketserver.ThreadingTCPServer):
    """The server; `heard` is everything that it was sent."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, canaries: Mapping[str, Canary]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.canaries = dict(canaries)
        self.heard = bytearray()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def say(self, spelling: str, name: str, middle: int = 0) -> dict[str, str]:
        """Return {name: the secret as it is said}."""
        names = self.canaries if name == "all" else [name]
        said = {each: SPELLINGS[spelling](self.canaries[each].written) for each in names}
        return {each: "." * (middle - len(text) // 2) + text for each, text in said.items()}


class _Handler(socketserver.StreamRequestHandler):
    server: Echo

    def handle(self) -> None:
        head = b"".join(iter(self.rfile.readline, b"\r\n"))
        if not head:
            return
        body = self.rfile.read(_length_of(head))
        self.server.heard += head + body
        target = head.split(b" ")[1].decode("latin-1")
        place, *rest = urlsplit(target).path.strip("/").split("/")
        if place == "mirror":
            said = {"url": target, "headers": _headers_of(head), "body": body.decode("utf-8", "replace")}
            self.wfile.write(_answer({"said": said}))
            return
        place, _, middle = place.partition("@")
        spelling, name = rest[:2]  # a client of Loki or Prometheus adds its own path
        self.wfile.write(PLACES[place](self.server.say(spelling, name, int(middle or 0))))


def _length_of(head: bytes) -> int:
    return int(_headers_of(head).get("content-length", 0))


def _headers_of(head: bytes) -> dict[str, str]:
    lines = head.decode("utf-8", "replace").splitlines()[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _answer(body: object, *lines: str, status: str = "200 OK", kind: str = "application/json") -> bytes:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    head = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(raw)}",
        "Connection: close",
        *lines,
    ]
    return "\r\n".join([*head, "", ""]).encode() + raw


def _line(said: Mapping[str, str]) -> str:
    """Return what is said, on one line."""
    return " and ".join(said.values()).translate(_LINE_BREAKS)


def _body(said: Mapping[str, str]) -> bytes:
    return _answer({"said": said, "keys": {text: name for name, text in said.items()}})


def _text(said: Mapping[str, str]) -> bytes:
    return _answer("\n".join(f"{name}: {text}, it says" for name, text in said.items()), kind="text/plain")


def _bytes(said: Mapping[str, str]) -> bytes:
    return _answer("\0" + "\n".join(said.values()), kind="application/octet-stream")


def _header(said: Mapping[str, str]) -> bytes:
    fields = [f"X-Said-{name}: you sent {_line({name: text})}, thanks" for name, text in said.items()]
    return _answer({}, *fields, f"X-Alone: {_line(said)}")


def _cookie(said: Mapping[str, str]) -> bytes:
    return _answer({}, *(f"Set-Cookie: {name}={_line({name: text})}; Path=/" for name, text in said.items()))


def _reason(said: Mapping[str, str]) -> bytes:
    return _answer({}, status=f"200 Fine {_line(said)}")


def _failure(said: Mapping[str, str]) -> bytes:
    return _answer({"error": f"not {_line(said)}"}, status=f"500 No {_line(said)}")


def _redirect(said: Mapping[str, str]) -> bytes:
    return _answer({}, f"Location: /mirror?said={_line(said)}", status="302 Found")


def _nowhere(said: Mapping[str, str]) -> bytes:
    return _answer({}, f"Location: nowhere://{_line(said)}/{_line(said)}", status="302 Found")


def _garbage(said: Mapping[str, str]) -> bytes:
    return f"SSH-2.0 {_line(said)}\r\n\r\n".encode()


def _status(said: Mapping[str, str]) -> bytes:
    return f"HTTP/1.1 {_line(said)}\r\n\r\n".encode()


def _version(said: Mapping[str, str]) -> bytes:
    return f"HTTP/{_line(said)} 200 OK\r\n\r\n".encode()


def _length(said: Mapping[str, str]) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {_line(said)}\r\n\r\n".encode()


def _field(said: Mapping[str, str]) -> bytes:
    return f"HTTP/1.1 200 OK\r\n{_line(said)}\r\nContent-Length: 0\r\n\r\n".encode()


def _field_name(said: Mapping[str, str]) -> bytes:
    return f"HTTP/1.1 200 OK\r\n{_line(said)}: 1\r\nContent-Length: 0\r\n\r\n".encode()


def _coding(said: Mapping[str, str]) -> bytes:
    return f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{_line(said)}\r\n".encode()


def _packed(said: Mapping[str, str]) -> bytes:
    return _answer(_line(said), "Content-Encoding: gzip", kind="text/plain")


def _refusal(said: Mapping[str, str]) -> bytes:
    return _answer(_line(said), status="400 Bad Request", kind="text/plain")


def _json_refusal(said: Mapping[str, str]) -> bytes:
    refusal = {"status": "error", "errorType": "bad_data", "error": _line(said)}
    return _answer(refusal, status="400 Bad Request")


def _page(said: Mapping[str, str]) -> bytes:
    line = html.escape(_line(said))
    page = f"<html><title>{line}</title><body>{line}</body></html>"
    return _answer(page, status="502 Bad Gateway", kind="text/html")


def _denial(said: Mapping[str, str]) -> bytes:
    return _answer({"error": "invalid", "error_description": _line(said)}, status="401 Unauthorized")


def _token(said: Mapping[str, str]) -> bytes:
    return _answer({**said, "token_type": "Bearer", "expires_in": 60})


PLACES: dict[str, Callable[[Mapping[str, str]], bytes]] = {
    "body": _body, "text": _text, "bytes": _bytes, "header": _header, "cookie": _cookie, "reason": _reason,
    "failure": _failure, "redirect": _redirect, "nowhere": _nowhere, "garbage": _garbage, "status": _status,
    "version": _version, "length": _length, "field": _field, "field_name": _field_name, "coding": _coding,
    "packed": _packed, "token": _token,
    "refusal": _refusal, "json_refusal": _json_refusal, "page": _page, "denial": _denial,
}  # fmt: skip
