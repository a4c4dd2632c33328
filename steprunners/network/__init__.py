"""The one place where a socket may be opened to an address that a user chose.

- `policy.NetworkPolicy`: which addresses may be reached
- `calls.Call`: one guarded call: its sockets end at the deadline or when it is cancelled
- `sockets.open_socket`: a connected socket for clients that take one
- `http_client.send`: HTTP with connection reuse, redirects and a cap on the body
- `header_text.header_text`: what the bytes of a header mean
"""

from steprunners.network.calls import Call
from steprunners.network.header_text import header_text
from steprunners.network.http_client import send
from steprunners.network.http_messages import HttpRequest, HttpResponse
from steprunners.network.policy import NetworkPolicy
from steprunners.network.sockets import open_socket
from steprunners.network.tls import TlsOptions

__all__ = [
    "Call",
    "HttpRequest",
    "HttpResponse",
    "NetworkPolicy",
    "TlsOptions",
    "header_text",
    "open_socket",
    "send",
]
