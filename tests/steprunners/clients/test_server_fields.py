"""Hosts in the resources of every type: written in any letters, looked up as browsers do."""

# ruff: noqa: RUF001 - look-alikes are what this is about

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from steprunners.clients.bindings import changes
from steprunners.deadline import Deadline
from steprunners.errors import StepError
from steprunners.network import NetworkPolicy
from steprunners.registry import connection_classes, runners


def config_of(kind: str, host: str) -> dict[str, Any]:
    server = {"username": "u", "password": "password"}
    configs: dict[str, dict[str, Any]] = {
        "http": {"baseUrl": f"http://{host}:9"},
        "sql": {"engine": "postgresql", "host": host, "port": 9, "database": "d", "user": "u"},
        "kafka": {"bootstrapServers": f"{host}:9"},
        "redis": {"host": host, "port": 9, "password": "password"},
        "loki": {"url": f"http://{host}:9", **server},
        "prometheus": {"url": f"http://{host}:9", **server},
    }
    return configs[kind]


def check(kind: str, host: str, network: NetworkPolicy, **more: Any) -> None:
    runner = next(each for each in runners().values() if each.resource_type == kind)
    connection = connection_classes()[kind].model_validate(config_of(kind, host) | more)
    runner.check(connection, network, Deadline(10))


KINDS: list[tuple[str, dict[str, Any]]] = [(kind, {}) for kind in connection_classes()] + [
    ("sql", {"engine": "mariadb"})
]


@pytest.mark.parametrize(("kind", "more"), KINDS)
class TestHosts:
    @pytest.mark.parametrize(
        "host", ["☃.invalid", "ＡＢＣ.invalid", "faß。invalid", "Upper.Invalid", "dot.invalid."]
    )
    def test_a_name_that_does_not_exist(self, kind: str, more: dict[str, Any], host: str) -> None:
        with pytest.raises(StepError, match="cannot be resolved"):
            check(kind, host, NetworkPolicy(deny_private=False), **more)

    @pytest.mark.parametrize("host", ["ｌｏｃａｌｈｏｓｔ", "①②⑦.⓪.⓪.①", "local\u00adhost"])
    def test_the_name_that_is_looked_up_is_checked(self, kind: str, more: dict[str, Any], host: str) -> None:
        with pytest.raises(StepError) as caught:
            check(kind, host, NetworkPolicy(), **more)
        assert caught.value.code == "address_refused"

    def test_letters_that_no_host_has(self, kind: str, more: dict[str, Any]) -> None:
        for host in ("℀.example", "a b", "a\ufffd", "a@b"):
            with pytest.raises(ValidationError):
                connection_classes()[kind].model_validate(config_of(kind, host) | more)

    def test_the_same_host_in_other_letters_keeps_the_secrets(self, kind: str, more: dict[str, Any]) -> None:
        model = connection_classes()[kind]
        before, same, other = (
            config_of(kind, each) | more for each in ("shop.example", "ＳＨＯＰ。example", "ｓhop.example2")
        )
        assert changes(model, before, same).moved == ()
        assert len(changes(model, before, other).moved) == 1
