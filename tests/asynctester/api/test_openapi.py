"""Tests of `asynctester.api.openapi`: the document is valid, whole, and served with its page, offline."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from asynctester.version import VERSION

METHODS = {"get", "post", "put", "patch", "delete"}
UNDOCUMENTED = {"/api/v1/openapi.json", "/api/v1/docs"}


@pytest.fixture
def document(client: Client) -> Any:
    return client.get("/api/v1/openapi.json").json()


def test_the_document_is_made_without_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True)
    assert "openapi: 3.1" in capsys.readouterr().out


def test_every_path_is_described(document: Any) -> None:
    routes = {route for route in _routes(get_resolver(), "/") if route.startswith("/api/v1/")}
    assert {_nameless(described) for described in document["paths"]} == routes - UNDOCUMENTED
    assert "/api/v1/auth/login" in routes


def test_the_document_names_the_version(document: Any) -> None:
    assert document["info"]["version"] == VERSION


def test_every_operation_has_its_own_name_and_the_shape_of_errors(document: Any) -> None:
    operations = [item[method] for item in document["paths"].values() for method in METHODS & set(item)]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all({"4XX", "503"} <= set(operation["responses"]) for operation in operations)


def test_the_page_needs_no_other_server(client: Client) -> None:
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    script = client.get("/api/v1/docs?script=")
    for text in (page.content.decode(), script.content.decode()):
        assert not re.search(r"""(src|href|url)["'=: ]+(https?:)?//(?!testserver)""", text)
    for asset in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.content.decode()):
        assert client.get(asset).status_code == 200, asset


def _nameless(path: str) -> str:
    """Return the path without the names of its parameters: the document may choose its own."""
    return re.sub("{[^}]+}", "{}", path)


def _routes(resolver: URLResolver, prefix: str) -> Any:
    for part in resolver.url_patterns:
        path = prefix + re.sub("<[^>]+>", "{}", str(part.pattern))
        if isinstance(part, URLResolver):
            yield from _routes(part, path)
        elif isinstance(part, URLPattern):
            yield path
