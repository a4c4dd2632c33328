"""What a step may not change about a resource whose secrets its author need not know."""

from __future__ import annotations

from typing import Any

import pytest

from steprunners.clients.http.building import token_tls
from steprunners.clients.http.config import HttpConfig
from steprunners.clients.http.connection import HttpConnection
from steprunners.errors import BadConfig
from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import run
from tests.steprunners.target import Target

BEARER = {"type": "bearer", "token": "hunter2hunter2"}


def connection(target: Target, **config: Any) -> HttpConnection:
    return HttpConnection.model_validate({"baseUrl": target.url, **config})


@pytest.mark.parametrize("secret", [{"auth": BEARER}, {"headers": {"X-Api-Key": "hunter2hunter2"}}])
class TestProtection:
    def test_verification_is_the_resources(
        self, target: Target, make_context: MakeContext, secret: dict[str, Any]
    ) -> None:
        context = make_context(connection=connection(target, **secret))
        with pytest.raises(BadConfig, match=r"meta\.verifyTls: the resource verifies its server"):
            run(context, url="/x", resourceId="r", verifyTls=False)
        assert target.received == []
        unverified = make_context(connection=connection(target, verifyTls=False, **secret))
        run(unverified, url="/x", resourceId="r", verifyTls=False)
        assert len(target.received) == 1

    def test_the_virtual_host_is_the_resources(
        self, target: Target, make_context: MakeContext, secret: dict[str, Any]
    ) -> None:
        context = make_context(connection=connection(target, **secret))
        with pytest.raises(BadConfig, match=r"meta\.headers\.Host"):
            run(context, url="/x", resourceId="r", headers={"hOST": "evil.example"})
        assert target.received == []
        run(context, url="/x", resourceId="r", headers={"Host": f"127.0.0.1:{target.port}"})
        run(context, url="/x", resourceId="r", headers={"Host": "127.0.0.1"})
        assert [each.path for each in target.received] == ["/x", "/x"]

    def test_a_host_of_the_resource_stays(
        self, target: Target, make_context: MakeContext, secret: dict[str, Any]
    ) -> None:
        headers = {**secret.get("headers", {}), "Host": "shop.example"}
        context = make_context(connection=connection(target, **{**secret, "headers": headers}))
        run(context, url="/x", resourceId="r", headers={"Host": "Shop.Example"})
        with pytest.raises(BadConfig):
            run(context, url="/x", resourceId="r", headers={"Host": "127.0.0.1"})


def test_without_secrets_a_step_decides(target: Target, make_context: MakeContext) -> None:
    context = make_context(connection=connection(target, headers={"Accept": "text/plain"}))
    run(context, url="/x", resourceId="r", verifyTls=False, headers={"Host": "other.example"})
    assert target.received[0].headers["host"] == "other.example"


def test_the_resources_certificate_is_not_for_a_token_server_of_the_step(target: Target) -> None:
    owned = connection(target, clientCertificate="certificate", clientKey="key")
    auth = {"type": "oauth2ClientCredentials", "tokenUrl": "https://x", "clientId": "i", "clientSecret": "s"}
    assert token_tls(HttpConfig.model_validate({"url": "/", "auth": auth}), owned).client_key is None
    assert token_tls(HttpConfig.model_validate({"url": "/"}), owned).client_key == "key"
