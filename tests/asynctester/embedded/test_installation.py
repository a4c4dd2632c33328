"""The parts that an installation is made of."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from asynctester.embedded import installation
from asynctester.embedded.options import Options, Refused
from asynctester.embedded.processes import free_port
from asynctester.embedded.supervisor import Supervisor


def options(tmp_path: Path, **environment: str) -> Options:
    return Options.read({"DATA_DIR": str(tmp_path), "PORT": str(free_port())} | environment)


def test_the_port_is_held_from_the_start(tmp_path: Path) -> None:
    wanted = options(tmp_path)
    with (
        installation.listening(wanted),
        pytest.raises(Refused, match="is taken"),
        installation.listening(wanted),
    ):
        pass
    with installation.listening(wanted) as listener:  # and free again
        assert listener.getsockname()[1] == wanted.port


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(tmp_path: Path, host: str) -> None:
    with (
        pytest.raises(Refused, match="cannot listen on"),
        installation.listening(options(tmp_path, HOST=host)),
    ):
        pass


def test_the_processes_get_what_was_set_and_what_follows_from_it(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    environment = installation.environment(options(folder), {"SECRET_KEY": "x", "ALLOWED_HOSTS": "shop"})
    assert environment["SECRET_KEY"] == "x"
    assert environment["ALLOWED_HOSTS"] == "shop"
    assert environment["REDIS_URL"].startswith("unix:///")
    assert " " not in environment["REDIS_URL"]
    assert environment["PROMETHEUS_MULTIPROC_DIR"] == str(folder.resolve() / "metrics")
    assert environment["SQLITE_FOLDER"] == str(folder.resolve() / "sqlite")
    own = installation.environment(options(tmp_path, REDIS_URL="redis://own"), {})
    assert own["REDIS_URL"] == "redis://own"


def test_what_ends_while_it_starts_is_told_with_its_last_words(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(environment={}, folder=tmp_path, logs=tmp_path, say=said.append)
    child = supervisor.start("broken", [sys.executable, "-c", "print('no such thing')"])
    with pytest.raises(Refused, match=r"broken does not start:\nno such thing"):
        installation._await(supervisor, child, lambda: False)
    supervisor.end()
