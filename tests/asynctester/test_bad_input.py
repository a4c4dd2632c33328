"""Every operation of the OpenAPI document is sent bad input: no answer is a 500, every error has the one shape."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar
from uuid import uuid4
from zlib import crc32

import pytest
import yaml
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from accounts.models import Team, User
from steprunners.documents.envelope import StepEnvelope

T = TypeVar("T")
WRITES = ("post", "put", "patch")
METHODS = ("get", *WRITES, "delete")
ODD_VALUES: list[Any] = [
    None,
    "",
    "x" * 3000,
    "${",
    "${a}",
    -1,
    10**400,
    1e308,
    True,
    [],
    {},
    [None],
    [{}],
    {"\u202e": {"a": [[]]}},
]
ODD_QUERIES = [
    "",
    "-1",
    "9" * 5000,
    "1e999",
    "\udcff",
    "null",
    "a,b,,",
    "[]",
    "%",
    "${",
    "${a}",
    "\u0661",
    str(uuid4()),
]
ODD_BODIES = [
    b"",
    b"[]",
    b"null",
    b'"x"',
    b"0",
    b"{",
    b"[" * 2000,
    b'{"name": "\\u0000"}',
    b'{"name": "\\ud800"}',
]
STEP = {"name": "pause", "stepType": "delay", "meta": {"delayMs": 1}}
GOOD: dict[str, Any] = {
    "/api/v1/resources": {"name": "shop", "type": "http", "config": {"baseUrl": "http://127.0.0.1:1"}},
    "/api/v1/environments": {"name": "staging", "variables": [{"name": "a", "value": "b"}]},
    "/api/v1/flows": {"name": "Order", "steps": [STEP]},
}


@pytest.fixture
def client(alice: User) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(alice)
    return client


@pytest.fixture
def things(client: APIClient, alice: User, bob: User, team: Team) -> dict[str, dict[str, str]]:
    """Return the parameters of paths, by what the path begins with; everything belongs to Alice."""
    made = {path: client.post(path, body).json()["id"] for path, body in GOOD.items()}
    run = client.post(f"/api/v1/flows/{made['/api/v1/flows']}/run", {}).json()["id"]
    return {
        "/api/v1/executions": {"id": run, "other": run, "step": "pause"},
        "/api/v1/organisations": {"id": str(team.organisation_id), "user_id": str(bob.id)},
        "/api/v1/teams": {"id": str(team.id), "user_id": str(bob.id)},
        "/api/v1/users": {"id": str(bob.id)},
        "/api/v1/flows": {"id": made["/api/v1/flows"], "number": "1"},
        "/api/v1/resources": {"id": made["/api/v1/resources"]},
        "/api/v1/environments": {"id": made["/api/v1/environments"]},
    }


@pytest.fixture(scope="module")
def document() -> Any:
    generator: Any = SchemaGenerator  # it has no types
    return generator().get_schema(request=None, public=True)


@pytest.mark.parametrize("share", [4, pytest.param(1, marks=pytest.mark.soak)])
def test_odd_bodies(client: APIClient, things: dict[str, dict[str, str]], document: Any, share: int) -> None:
    complaints = [
        complaint
        for path, method, operation in _operations(document, WRITES)
        for body in _bodies(document, path, operation, share)
        if (complaint := _complaint(client, method, _filled(path, things), body))
    ]
    assert not complaints, "\n".join(complaints[:20])


@pytest.mark.parametrize("share", [4, pytest.param(1, marks=pytest.mark.soak)])
def test_odd_queries(client: APIClient, things: dict[str, dict[str, str]], document: Any, share: int) -> None:
    complaints = []
    for path, method, operation in _operations(document, ("get",)):
        for parameter in _query_parameters(operation):
            for value in _some(ODD_QUERIES, f"{path} {parameter}", share):
                sent = {parameter: value.encode(errors="surrogateescape")}
                complaints += [_complaint(client, method, _filled(path, things), sent)]
    assert not any(complaints), "\n".join(filter(None, complaints))


@pytest.mark.parametrize(
    "odd",
    ["0", "x", "9" * 500, "0198c0de-0000-7000-8000-000000000000", "%FF", "%F0%9F%98%80", "..", "%2F", "'"],
)
def test_odd_paths(client: APIClient, document: Any, odd: str) -> None:
    for path, method, _ in _operations(document, METHODS):
        if "{" in path:
            parameters = {name.split("}")[0]: odd for name in path.split("{")[1:]}
            complaint = _complaint(client, method, path.format(**parameters), b"{}")
            assert complaint is None


def _operations(document: Any, methods: tuple[str, ...]) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method in methods:
            if method in item:
                yield path, method, item[method]


def _query_parameters(operation: Any) -> list[str]:
    declared = operation.get("parameters", [])
    return [parameter["name"] for parameter in declared if parameter["in"] == "query"]


def _filled(path: str, things: dict[str, dict[str, str]]) -> str:
    """Return the path with the ids of things that exist."""
    for beginning, parameters in things.items():
        if path.startswith(f"{beginning}/"):
            return path.format(**parameters)
    return path


def _some(values: Sequence[T], place: str, share: int) -> Sequence[T]:
    """Return every `share`-th value, others at another place: the soak sends all to all."""
    return values[crc32(place.encode()) % share :: share]


def _bodies(document: Any, path: str, operation: Any, share: int) -> Iterator[bytes]:
    """Yield odd bodies, and good ones with one odd value."""
    yield from ODD_BODIES
    good = GOOD.get(path.removesuffix("/{id}"), {})
    for name in {*good, *_properties(document, operation)}:
        for value in _some(ODD_VALUES, f"{path} {name}", share):
            yield json.dumps({**good, name: value}).encode()
    if path == "/api/v1/flows":  # one place is enough: whatever takes steps checks them alike
        for name in StepEnvelope.model_json_schema()["properties"]:
            for value in _some(ODD_VALUES, name, share):
                yield json.dumps({**good, "steps": [{**STEP, name: value}]}).encode()


def _properties(document: Any, operation: Any) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    reference = content.get("schema", {}).get("$ref", "")
    component = document["components"]["schemas"].get(reference.rpartition("/")[2], {})
    return list(component.get("properties", {}))


def _complaint(client: APIClient, method: str, url: str, sent: Any) -> str | None:
    """Send one request, undo what it did, and return what is wrong with the answer."""
    with transaction.atomic():
        if method == "get":
            answer: Any = client.get(url, sent if isinstance(sent, dict) else None)
        else:
            answer = client.generic(method.upper(), url, sent, content_type="application/json")
        transaction.set_rollback(True)
    if answer.status_code < 400:
        return None
    what = f"{method} {url} {str(sent)[-150:]} -> {answer.status_code} {answer.content[:300]!r}"
    if answer.status_code >= 500 or not answer["Content-Type"].startswith(
        ("application/json", "application/yaml")
    ):
        return what
    is_json = answer["Content-Type"].startswith("application/json")  # an export that fails answers in YAML
    body = json.loads(answer.content) if is_json else yaml.safe_load(answer.content)
    return None if set(body) == {"type", "errors"} and body["errors"] else what
