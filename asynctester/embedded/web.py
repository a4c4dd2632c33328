"""`python -m asynctester.embedded.web FD`: the web server on a socket that the supervisor already listens on.

The port is taken from the first moment of a start to the end, and calls that come while the web server is started
again wait instead of being refused.
"""

from __future__ import annotations

import socket
import sys

import uvicorn


def main(descriptor: int) -> None:
    """Serve until SIGTERM."""
    config = uvicorn.Config(
        "asynctester.asgi:application",
        ws="websockets-sansio",
        ws_max_size=65_536,  # streams take commands of a few bytes
        lifespan="off",
        proxy_headers=False,  # nobody stands in front of it, so nobody may speak for the client's address
        timeout_graceful_shutdown=2,
        access_log=False,
    )
    # Of uvicorn's own --fd it believes that it is a unix socket; this finds out what it is.
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
