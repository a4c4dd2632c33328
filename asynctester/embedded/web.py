"""The web server: `python -m asynctester.embedded.web HOST PORT`, or on a socket that the parent listens on, `… FD`.

With the parent's socket the port is taken from the first moment of a start to the end, and calls that come while the
web server is started again wait instead of being refused.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
from collections.abc import Sequence

import uvicorn

from asynctester.embedded.patience import PatientProtocol
from asynctester.postgresql.quick import answer_quickly

#: Seconds for requests in flight after SIGTERM; `make run` ends all within 5 s.
GRACE_SECONDS = 10
GRACE_SECONDS_OF_A_CHILD = 2
#: Connections and files open at once, where the machine lets us; 1 024 are a common default, and few for a web server.
MOST_FILES = 65_536


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM."""
    _allow_many_files()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "asynctester.settings")
    answer_quickly()
    if len(arguments) == 1:
        # Of uvicorn's own --fd it believes that it is a unix socket; this finds out what it is.
        listener = socket.socket(fileno=int(arguments[0]))
        uvicorn.Server(_config(grace=GRACE_SECONDS_OF_A_CHILD)).run(sockets=[listener])
    else:
        host, port = arguments
        uvicorn.Server(_config(host, int(port), grace=GRACE_SECONDS)).run()


def _allow_many_files() -> None:
    """Raise the soft limit as far as the hard one lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < MOST_FILES:
        most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _config(host: str = "127.0.0.1", port: int = 0, *, grace: int) -> uvicorn.Config:
    return uvicorn.Config(
        "asynctester.asgi:application",
        host=host,
        port=port,
        http=PatientProtocol,  # h11: httptools takes headers of any length
        ws="websockets-sansio",
        # Done anew for each client, by the thread that serves all of them; and it takes half of a stream's memory.
        ws_per_message_deflate=False,
        ws_max_size=65_536,  # streams take commands of a few bytes
        lifespan="off",
        proxy_headers=False,  # what proxies say of the client is for Django's settings to believe
        timeout_graceful_shutdown=grace,
        access_log=False,
        log_config=None,  # Django's settings say how lines look, also uvicorn's
    )


if __name__ == "__main__":
    main(sys.argv[1:])
