"""Where the demo shop and its systems listen, and what is told of them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from asynctester.embedded import shop, tansu, valkey
from asynctester.embedded.supervisor import Supervisor


@pytest.mark.parametrize("name", list(shop.PORTS))
def test_each_keeps_its_port_unless_somebody_took_it(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}-port").write_text("no number")
    first = shop.kept_port(tmp_path, name)
    assert shop.kept_port(tmp_path, name) == first
    with socket.create_server(("127.0.0.1", first)):
        second = shop.kept_port(tmp_path, name)
    assert second != first
    assert shop.kept_port(tmp_path, name) == second


def test_bootstrap_hears_of_the_systems_that_there_are(tmp_path: Path) -> None:
    whole = shop.Shop(1, tmp_path / "shop", tmp_path / "ledger", kafka="here:2", redis="redis://here:3/0")
    assert whole.bootstrap_options() == [
        "--lab-url=http://127.0.0.1:1",
        f"--lab-sql=sqlite:///{tmp_path / 'ledger'}",
        "--lab-kafka=here:2",
        "--lab-redis=redis://here:3/0",
    ]
    bare = shop.Shop(1, tmp_path / "shop", tmp_path / "ledger")
    assert len(bare.bootstrap_options()) == 2


def test_a_machine_without_servers_for_it_has_the_shop_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> Path:
        raise valkey.NoValkey("none here")

    monkeypatch.setattr(tansu, "tansu_binary", lambda: None)
    monkeypatch.setattr(valkey, "valkey_binary", none)
    said: list[str] = []
    supervisor = Supervisor(
        environment={"SQLITE_FOLDER": str(tmp_path / "sqlite")},
        folder=tmp_path,
        logs=tmp_path,
        say=said.append,
    )
    started = shop.start(supervisor, tmp_path)
    supervisor.end()
    assert (started.kafka, started.redis) == ("", "")
    assert [line.split(":")[0] for line in said] == [
        "The demo runs without Kafka",
        "The demo runs without a cache",
    ]
    assert [child.name for child in supervisor.children] == ["lab"]
    assert not [
        part for part in supervisor.children[0].command if str(part).startswith(("--kafka", "--redis"))
    ]
