"""Answers of the ASGI layer, before Django sees a request: in the API's one shape of errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asgiref.typing import ASGISendCallable

TOO_LARGE = (413, "payload_too_large", "The request is too large.")
#: Also what Django answers in an outage (`asynctester.middleware.errors`).
UNAVAILABLE = (
    503,
    "unavailable",
    "The service cannot do this at the moment: something that it depends on does not answer."
    " Try again in a few seconds.",
)
RETRY_SECONDS = 5
TOO_SLOW = (408, "request_timeout", "The request did not arrive in time.")

Refusal = tuple[int, str, str]


def body_of(refusal: Refusal) -> bytes:
    """Return the answer's body."""
    status, code, detail = refusal
    error = {"code": code, "detail": detail, "attr": None}
    return json.dumps(
        {"type": "server_error" if status >= 500 else "client_error", "errors": [error]}
    ).encode()


def headers_of(refusal: Refusal) -> list[tuple[bytes, bytes]]:
    """Return the answer's headers; what else the client sends is read no more, so the connection is over."""
    retry = [(b"retry-after", str(RETRY_SECONDS).encode())] if refusal is UNAVAILABLE else []
    return [
        *retry,
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body_of(refusal))).encode()),
        (b"connection", b"close"),
    ]


async def refuse(send: ASGISendCallable, refusal: Refusal) -> None:
    """Send the answer."""
    await send(
        {
            "type": "http.response.start",
            "status": refusal[0],
            "headers": headers_of(refusal),
            "trailers": False,
        }
    )
    await send({"type": "http.response.body", "body": body_of(refusal), "more_body": False})
