"""`python -m asynctester.process web|worker`: become one process of an installation.

For containers and service managers. These are the very commands that `make run` starts, and nothing stands between
the process and the signals that it is sent. HOST and PORT say where the web server listens (127.0.0.1, 8000),
WORKER_THREADS how many steps the worker carries out at once (32).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from asynctester.embedded import commands
from asynctester.embedded.options import Options, Refused

USAGE = "usage: python -m asynctester.process web|worker"


def command(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return the command of the process that the arguments name; raises Refused."""
    match arguments:
        case ["web"]:
            options = Options.read(environment)
            return commands.web(options.host, options.port)
        case ["worker"]:
            return commands.worker()
    raise Refused(USAGE)


def main() -> NoReturn:
    """Become the process; ends with exit code 2 where that cannot be."""
    try:
        wanted = command(sys.argv[1:], os.environ)
    except Refused as refusal:
        sys.stderr.write(f"{refusal}\n")
        sys.exit(2)
    os.chdir(commands.ROOT)
    os.execv(wanted[0], wanted)  # noqa: S606 - a command of our own, and no shell


if __name__ == "__main__":
    main()
