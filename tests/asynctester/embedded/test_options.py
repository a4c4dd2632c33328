"""What the environment says, and what it cannot say."""

from __future__ import annotations

from pathlib import Path

import pytest

from asynctester.embedded.commands import ROOT
from asynctester.embedded.options import Options, Refused


def test_the_defaults() -> None:
    options = Options.read({})
    assert (options.host, options.port, options.data_dir) == ("127.0.0.1", 8000, ROOT / ".data")
    assert options.demo
    assert options.url == "http://127.0.0.1:8000"


def test_everything_can_be_set(tmp_path: Path) -> None:
    options = Options.read(
        {"HOST": "0.0.0.0", "PORT": "81", "DATA_DIR": str(tmp_path), "REDIS_URL": "redis://r", "DEMO": "no"}
    )
    assert options == Options("0.0.0.0", 81, tmp_path, "redis://r", False)
    assert options.url == "http://127.0.0.1:81"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8000x", "²", "8 000"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(Refused, match="PORT"):
        Options.read({"PORT": port})


@pytest.mark.parametrize(
    ("host", "url"), [("::1", "http://[::1]:8000"), ("::", "http://[::1]:8000"), ("shop", "http://shop:8000")]
)
def test_the_address_to_open(host: str, url: str) -> None:
    assert Options.read({"HOST": host}).url == url


def test_hosts_of_this_machine_are_allowed_where_others_can_reach_it() -> None:
    assert "10.1.2.3" in Options.read({"HOST": "10.1.2.3"}).allowed_hosts().split(",")
    assert Options.read({}).allowed_hosts() == "127.0.0.1,localhost,[::1]"
