"""A server that cannot be had skips its tests with its reason; --require-all makes that a failure."""

from __future__ import annotations

import pytest

from tests.servers import chromium
from tests.servers.fixtures import missing
from tests.servers.server import Unavailable


def test_what_is_missing_skips_with_its_reason(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytestconfig.option, "require_all", False)
    with pytest.raises(pytest.skip.Exception, match="no Kafka here"):
        missing(pytestconfig, Unavailable("no Kafka here"))


def test_what_is_missing_fails_where_all_is_required(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytestconfig.option, "require_all", True)
    with pytest.raises(pytest.fail.Exception, match="no Kafka here"):
        missing(pytestconfig, Unavailable("no Kafka here"))


def test_a_machine_without_chromium_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Unavailable, match="apt-get install chromium"):
        chromium.chromium_binary()
