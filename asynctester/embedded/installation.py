"""The parts of an installation on one machine, in the order in which they start."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

import requests

from asynctester.embedded import commands, data_folder, valkey
from asynctester.embedded.loopback import Api
from asynctester.embedded.options import Options, Refused
from asynctester.embedded.processes import listens
from asynctester.embedded.shop import Shop
from asynctester.embedded.supervisor import Child, Supervisor

START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `manage.py bootstrap` made or found."""

    email: str
    generated_password: str | None
    access: str
    flow_id: str | None
    environment_id: str | None


def environment(options: Options, base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the processes; what the user set stays."""
    derived = {
        "DATA_DIR": str(options.data_dir),
        "REDIS_URL": options.redis_url or f"unix://{quote(str(valkey.socket_path_for(options.data_dir)))}",
        "PROMETHEUS_MULTIPROC_DIR": str(options.data_dir / data_folder.METRICS),
        "PYTHONUNBUFFERED": "1",
    }
    defaults = {
        "ALLOWED_HOSTS": options.allowed_hosts(),
        "PUBLIC_URL": options.url,
        "SQLITE_FOLDER": str(options.data_dir / "sqlite"),  # where the demo shop has its ledger
    }
    return {**defaults, **base, **derived}


@contextmanager
def listening(options: Options) -> Iterator[socket.socket]:
    """Hold HOST and PORT for the web server; raises Refused where they cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=512)
    except OSError as problem:
        raise Refused(_why_not(options, problem)) from problem
    with listener:
        yield listener


def _why_not(options: Options, problem: OSError) -> str:
    if problem.errno == errno.EADDRINUSE:
        return (
            f"port {options.port} on {options.host} is taken; free it or choose another: make run PORT=8080"
        )
    return f"cannot listen on {options.host}, port {options.port}: {problem.strerror or problem}"


def start_broker(supervisor: Supervisor, options: Options) -> None:
    """Start Valkey on its unix socket, unless REDIS_URL names a server; raises Refused."""
    if options.redis_url:
        return
    try:
        binary = valkey.valkey_binary()
        socket_path = valkey.socket_path_for(options.data_dir)
    except valkey.NoValkey as problem:
        raise Refused(f"{problem}; or set REDIS_URL to a server of yours") from problem
    socket_path.unlink(missing_ok=True)  # left behind by a run that was killed; ours alone, by the lock
    command = valkey.socket_command(binary, socket_path=socket_path, folder=options.data_dir)
    child = supervisor.start("valkey", command)
    _await(supervisor, child, lambda: valkey.answers(socket_path))


def _await(supervisor: Supervisor, child: Child, ready: Callable[[], bool]) -> None:
    """Wait until the child is ready; raises Refused where it ends before or takes too long."""
    supervisor.wait_for(lambda: child.has_ended() or ready(), within=START_SECONDS)
    if child.has_ended() or not ready():
        raise Refused(f"{child.name} does not start:\n{supervisor.last_lines(child.name)}")


def await_shop(supervisor: Supervisor, shop: Shop) -> None:
    """Wait until the shop and its systems listen; raises Refused."""
    for child, port in shop.waiting:
        _await(supervisor, child, partial(listens, "127.0.0.1", port))


def prepare(supervisor: Supervisor, shop: Shop) -> Prepared:
    """Migrate and bootstrap; raises Refused with what the command said."""
    supervisor.log("bootstrap").unlink(missing_ok=True)
    answer = supervisor.logs.parent / "bootstrap.json"
    try:
        arguments = [*shop.bootstrap_options(), "--json", str(answer)]
        code = supervisor.run("bootstrap", commands.manage("bootstrap", *arguments))
        if code != 0:
            raise Refused(f"the database cannot be prepared:\n{supervisor.last_lines('bootstrap')}")
        made = json.loads(answer.read_text())
    finally:
        answer.unlink(missing_ok=True)
    return Prepared(
        made["email"], made["generatedPassword"], made["access"], made["flowId"], made["environmentId"]
    )


def start_service(supervisor: Supervisor, options: Options, listener: socket.socket) -> None:
    """Start the workers and the web server; raises Refused where that takes too long."""
    for number, command in enumerate(commands.workers(), start=1):
        supervisor.start("worker" if number == 1 else f"worker-{number}", command)
    descriptor = listener.fileno()
    child = supervisor.start("web", commands.web(descriptor), inherited=[descriptor])
    _await(supervisor, child, lambda: _is_up(options.url))


def _is_up(url: str) -> bool:
    try:
        return bool(Api(url).get("/healthz")["status"] == "ok")
    except requests.RequestException:
        return False
