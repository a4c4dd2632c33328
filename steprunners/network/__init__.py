"""The one place where a socket may be opened to an address that a user chose.

- `policy.NetworkPolicy`: which addresses may be reached
- `calls.Call`: one guarded call: its sockets end at the deadline or when it is cancelled
- `sockets.open_socket`: a connected socket for clients that take one
- `http_client.send`: HTTP with connection reuse, redirects and a cap on the body
"""

from steprunners.network.calls import Call
from steprunners.network.http_client import send
from steprunners.network.http_messages import HttpRequest, HttpResponse
from steprunners.network.policy import NetworkPolicy
from steprunners.network.sockets import open_socket
from steprunners.network.tls import TlsOptions

__all__ = ["Call", "HttpRequest", "HttpResponse", "NetworkPolicy", "TlsOptions", "open_socket", "send"]
