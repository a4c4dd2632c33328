"""What `make run` reads from the environment."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asynctester.embedded.commands import ROOT

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # nosec B104  # noqa: S104 - a name to compare with, nothing is bound here


class Refused(Exception):
    """The product cannot be started like this; the message says why, to a person at a terminal."""


@dataclass(frozen=True, slots=True)
class Options:
    """Where to listen and where the data is.

    `redis_url` is "" where a server of our own is to be started; `demo` says whether to run the demo flow.
    """

    host: str
    port: int
    data_dir: Path
    redis_url: str
    demo: bool

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Options:
        """Read HOST, PORT, DATA_DIR, REDIS_URL and DEMO; raises Refused."""
        return cls(
            host=environment.get("HOST") or "127.0.0.1",
            port=_port(environment.get("PORT") or "8000"),
            data_dir=Path(environment.get("DATA_DIR") or ROOT / ".data").expanduser().resolve(),
            redis_url=environment.get("REDIS_URL", ""),
            demo=environment.get("DEMO", "yes").lower() not in ("no", "false", "0", "off"),
        )

    @property
    def url(self) -> str:
        """The address to open in a browser on this machine."""
        host = ANY_ADDRESS.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def allowed_hosts(self) -> str:
        """Return ALLOWED_HOSTS: loopback, and this machine's names where others may reach it."""
        hosts = ["127.0.0.1", "localhost", "[::1]"]
        if self.host not in LOOPBACK:
            hosts += [self.host, socket.gethostname(), socket.getfqdn()]
        return ",".join(dict.fromkeys(hosts))


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65_535:
        raise Refused(f"PORT is not a port number: {text}")
    return int(text)
