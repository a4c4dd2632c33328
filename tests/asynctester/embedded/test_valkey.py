"""Where the broker's socket goes, and that a server answers on it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import redis

from asynctester.embedded import processes, valkey


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
