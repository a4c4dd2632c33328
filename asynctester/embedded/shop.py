"""The demo shop and what stands behind it: a ledger (SQLite), a broker (Tansu) and a cache (Valkey) of its own.

The cache is not the service's Valkey: that one is not on the network, and no flow shall reach the queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asynctester.embedded import commands, tansu, valkey
from asynctester.embedded.processes import free_port, port_is_free
from asynctester.embedded.supervisor import Child, Supervisor

HERE = "127.0.0.1"
#: Where each listens unless somebody else does; the ones of Kafka and Redis themselves are left to the user's own.
PORTS = {"lab": 8001, "shop-kafka": 18_092, "shop-cache": 16_379}


@dataclass(slots=True)
class Shop:
    """Where it is: `kafka` (host:port) and `redis` (URL) are "" where this machine has no server for us."""

    port: int
    database: Path
    ledger: Path
    kafka: str = ""
    redis: str = ""
    waiting: list[tuple[Child, int]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of its API."""
        return f"http://{HERE}:{self.port}"

    def systems(self) -> dict[str, str]:
        """Return what it writes to, by the name that `lab` and `bootstrap` have for it."""
        return {"sql": f"sqlite:///{self.ledger}", "kafka": self.kafka, "redis": self.redis}

    def bootstrap_options(self) -> list[str]:
        """Return what tells `manage.py bootstrap` of the shop and its systems."""
        systems = [f"--lab-{name}={address}" for name, address in self.systems().items() if address]
        return [f"--lab-url={self.url}", *systems]


def start(supervisor: Supervisor, data_dir: Path) -> Shop:
    """Start the shop and its systems; `waiting` has the processes, and the ports on which they will listen."""
    folder = Path(supervisor.environment["SQLITE_FOLDER"])
    folder.mkdir(parents=True, exist_ok=True)
    shop = Shop(kept_port(data_dir, "lab"), data_dir / "lab-shop.sqlite3", folder / "shop-ledger.sqlite3")
    _start_broker(supervisor, data_dir, shop)
    _start_cache(supervisor, data_dir, shop)
    _launch(supervisor, shop, "lab", commands.lab(shop.port, shop.database, shop.systems()), shop.port)
    return shop


def _start_broker(supervisor: Supervisor, data_dir: Path, shop: Shop) -> None:
    if (binary := tansu.tansu_binary()) is None:
        supervisor.say(f"The demo runs without Kafka: {tansu.why_none()}.")
        return
    port = kept_port(data_dir, "shop-kafka")
    shop.kafka = f"{HERE}:{port}"
    _launch(supervisor, shop, "shop-kafka", tansu.port_command(binary, port=port), port)


def _start_cache(supervisor: Supervisor, data_dir: Path, shop: Shop) -> None:
    try:
        binary = valkey.valkey_binary()
    except valkey.NoValkey as problem:
        supervisor.say(f"The demo runs without a cache: {problem}.")
        return
    port = kept_port(data_dir, "shop-cache")
    shop.redis = f"redis://{HERE}:{port}/0"
    _launch(supervisor, shop, "shop-cache", valkey.port_command(binary, port=port, folder=data_dir), port)


def _launch(supervisor: Supervisor, shop: Shop, name: str, command: Sequence[str | Path], port: int) -> None:
    shop.waiting.append((supervisor.start(name, command), port))


def kept_port(data_dir: Path, name: str) -> int:
    """Return the port of `name`: the one it had before, else its own in PORTS, else any; kept in DATA_DIR."""
    kept = data_dir / f"{name}-port"
    before = kept.read_text().strip() if kept.exists() else ""
    wanted = int(before) if before.isdigit() and 0 < int(before) < 65_536 else PORTS[name]
    port = wanted if port_is_free(HERE, wanted) else free_port()
    kept.write_text(str(port))
    return port
