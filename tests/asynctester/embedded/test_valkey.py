"""Where the server is found, where its socket goes, and that it answers there."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest
import redis

from asynctester.embedded import processes, valkey


def test_the_wheels_server_comes_before_one_on_path() -> None:
    assert valkey.valkey_binary().parent.parent.name == "_binaries"


@pytest.mark.parametrize("server", ["valkey-server", "redis-server"])
def test_without_the_wheel_a_server_on_path_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    monkeypatch.setattr(valkey, "PACKAGE", "no_such_package_here")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / server).touch(mode=0o755)
    assert valkey.valkey_binary() == tmp_path / server


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        ("no_such_package_here", "is not installed, and .* Install requirements-demo.txt"),
        ("lab", "has no server for this machine, and there is no valkey-server"),
    ],
)
def test_a_machine_without_a_server_is_told_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, reason: str
) -> None:
    monkeypatch.setattr(valkey, "PACKAGE", package)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(valkey.NoValkey, match=reason):
        valkey.valkey_binary()


def test_the_socket_is_in_the_data_folder(tmp_path: Path) -> None:
    assert valkey.socket_path_for(Path("/srv/data")) == Path("/srv/data/valkey.sock")


def test_a_long_path_is_replaced_by_a_short_private_one() -> None:
    folder = Path("/srv") / ("long-" * 30)
    path = valkey.socket_path_for(folder)
    assert len(os.fsencode(path)) <= valkey.LONGEST_SOCKET_PATH
    assert path == valkey.socket_path_for(folder)
    assert path != valkey.socket_path_for(folder / "other")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.parent.rmdir()


def test_a_server_answers_on_a_socket_with_a_space_in_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    socket_path = folder / "valkey.sock"
    command = valkey.socket_command(valkey.valkey_binary(), socket_path=socket_path, folder=folder)
    assert not valkey.answers(socket_path)
    server = processes.start(command, output=-3)
    assert processes.wait_until(lambda: valkey.answers(socket_path), within=20, alive=server)
    with redis.Redis.from_url(f"unix://{quote(str(socket_path))}") as client:
        assert client.ping()
    processes.end([server])
    assert list(folder.glob("*.rdb")) == []
