r"""`python -m lab --port 8001 --database shop.sqlite3`: run the shop until SIGTERM or Ctrl-C.

With addresses it also tells other systems of its orders (lab/outlets):

    python -m lab --port 8001 --database shop.sqlite3 --sql postgresql://shop:pw@127.0.0.1/shop \
        --sql mariadb://shop:pw@127.0.0.1/shop --kafka 127.0.0.1:9092 --topic orders \
        --redis redis://127.0.0.1:6379/1 --loki http://127.0.0.1:3100

and an order may ask for something to go wrong there (lab/faults.py): `{"quantity": 2, "break": "kafka-missing"}`.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from lab.outlets import Outlet
from lab.server import ShopServer
from lab.shop import Shop


def main() -> None:
    """Serve until told to stop."""
    options = options_of(sys.argv[1:])
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # of each failure the delivery says one line
    try:
        outlets = _outlets(options)
    except ValueError as problem:
        sys.exit(f"lab: {problem}")
    shop = Shop(options.database, delay_ms=options.delay_ms, outlets=outlets)
    server = ShopServer((options.host, options.port), shop)

    def stop(*_: object) -> None:
        server.closing.set()
        # shutdown() waits for the loop that this very handler interrupts
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    server.shop.close()


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; ends the process where they are none."""
    parser = argparse.ArgumentParser(prog="lab", description="A small order shop to test.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--database", type=Path, default=Path("shop.sqlite3"), help="the shop's own, SQLite")
    parser.add_argument("--delay-ms", type=int, default=400, help="from order to fulfilment")
    parser.add_argument(
        "--sql", action="append", default=[], help="URL of a ledger; may be given several times"
    )
    parser.add_argument("--kafka", default="", help="HOST:PORT of brokers, with commas")
    parser.add_argument("--topic", default="orders")
    parser.add_argument("--redis", default="", help="URL of the cache")
    parser.add_argument("--loki", default="", help="URL of Loki")
    return parser.parse_args(arguments)


def _outlets(options: argparse.Namespace) -> list[Outlet]:
    """Open what was asked for; raises ValueError. Clients are imported only then: the shop alone needs none."""
    outlets: list[Outlet] = []
    if options.sql:
        from lab.outlets.ledger import Ledger  # noqa: PLC0415 - see above

        outlets += [Ledger(url) for url in options.sql]
    if options.kafka:
        from lab.outlets.topic import Topic  # noqa: PLC0415 - see above

        outlets.append(Topic(options.kafka, options.topic))
    if options.redis:
        from lab.outlets.cache import Cache  # noqa: PLC0415 - see above

        outlets.append(Cache(options.redis))
    if options.loki:
        from lab.outlets.log import Log  # noqa: PLC0415 - see above

        outlets.append(Log(options.loki))
    return outlets


if __name__ == "__main__":
    main()
