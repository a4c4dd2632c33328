"""`python -m lab --port 8001 --database shop.sqlite3`: run the shop until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from lab.server import ShopServer
from lab.shop import Shop


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="lab", description="A small order shop to test.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--database", type=Path, default=Path("shop.sqlite3"))
    parser.add_argument("--delay-ms", type=int, default=400, help="from order to fulfilment")
    options = parser.parse_args()

    server = ShopServer((options.host, options.port), Shop(options.database, delay_ms=options.delay_ms))

    def stop(*_: object) -> None:
        server.closing.set()
        # shutdown() waits for the loop that this very handler interrupts
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    server.shop.close()


if __name__ == "__main__":
    main()
