"""`make run`: the whole product on this machine, until Ctrl-C.

Valkey, the demo shop with its broker and cache, the database's migrations, a worker and the web server start in this
order; then the demo flow runs once over the product's own API. Whatever dies is started again; the end of this process
ends all.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

import requests

from asynctester.embedded import data_folder, demo, installation, shop
from asynctester.embedded.commands import ROOT
from asynctester.embedded.loopback import Api
from asynctester.embedded.options import Options, Refused
from asynctester.embedded.supervisor import Stopped, Supervisor


def main() -> int:
    """Start everything, serve, end everything; return the exit code."""
    try:
        options = Options.read(os.environ)
        data_folder.make(options.data_dir)
        with data_folder.locked(options.data_dir), installation.listening(options) as listener:
            data_folder.forget_metrics(options.data_dir)
            _serve(options, listener)
    except Refused as refusal:
        sys.stderr.write(f"Cannot start: {refusal}\n")
        return 1
    return 0


def _serve(options: Options, listener: socket.socket) -> None:
    supervisor = Supervisor(
        environment=installation.environment(options, os.environ),
        folder=ROOT,
        logs=options.data_dir / "logs",
        say=_say,
    )
    supervisor.listen_for_signals()
    try:
        _start(supervisor, options, listener)
        supervisor.watch()
    except Stopped:
        pass
    finally:
        _say("Stopping …")
        supervisor.end()
        _say("Stopped.")


def _start(supervisor: Supervisor, options: Options, listener: socket.socket) -> None:
    _say(f"Starting, data in {options.data_dir}")
    installation.start_broker(supervisor, options)
    demo_shop = shop.start(supervisor, options.data_dir)
    prepared = installation.prepare(supervisor, demo_shop)
    installation.await_shop(supervisor, demo_shop)
    installation.start_service(supervisor, options, listener)
    _greet(options, prepared)
    if options.demo and prepared.flow_id is not None:
        # In a thread of its own, so that this one can look after the processes meanwhile.
        threading.Thread(target=_demonstrate, args=(options, prepared), daemon=True).start()


def _greet(options: Options, prepared: installation.Prepared) -> None:
    _say(f"\nAsync Testing Service is at {options.url}")
    _say(f"  administrator  {prepared.email}")
    if prepared.generated_password:
        _say(f"  password       {prepared.generated_password}   (shown this once)")
    elif os.environ.get("ADMIN_PASSWORD"):
        _say("  password       the one in ADMIN_PASSWORD")
    else:
        _say("  password       as before (forgotten? set ADMIN_PASSWORD and start again)")
    _say("")


def _demonstrate(options: Options, prepared: installation.Prepared) -> None:
    password = prepared.generated_password or os.environ.get("ADMIN_PASSWORD", "")
    try:
        if password:
            api = demo.sign_in(options.url, email=prepared.email, password=password)
        else:
            api = Api(options.url, prepared.access)
        demo.run_and_show(
            api, flow_id=prepared.flow_id or "", environment_id=prepared.environment_id, say=_say
        )
    except (requests.RequestException, KeyError, ValueError) as problem:
        _say(f"The demo flow could not be run: {problem}")
    _say(f"\nServing at {options.url} — Ctrl-C ends it.")


def _say(line: str) -> None:
    # A terminal in the C locale cannot show every sign; a pipe should see each line at once.
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(line.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
