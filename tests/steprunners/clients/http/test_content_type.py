"""The type of a body: of the step, of the resource, or of the body itself."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from typing import Any

import pytest

from steprunners.clients.http.connection import HttpConnection
from steprunners.errors import BadConfig
from tests.steprunners.conftest import MakeContext
from tests.steprunners.http_calls import FORM, run
from tests.steprunners.target import Exchange, Target

PARTS = {"a": "1", "b": {"c": 2}}


def sent(target: Target, make_context: MakeContext, resource: str | None, **meta: Any) -> Exchange:
    headers = {"content-type": resource} if resource is not None else {}
    context = make_context(connection=HttpConnection(base_url=target.url, headers=headers))
    run(context, url="/", method="POST", expectedStatus=404, **meta)
    return target.received[0]


def parts(exchange: Exchange) -> list[str]:
    """Read the parts by the boundary of the header, as a server does."""
    head = f"Content-Type: {exchange.headers['content-type']}\r\n\r\n".encode()
    message: Message = BytesParser().parsebytes(head + exchange.body)
    assert message.is_multipart()
    return [str(each.get_payload()) for each in message.get_payload()]  # type: ignore[union-attr]  # it is a list


@pytest.mark.parametrize(
    "resource", [None, "application/json", "multipart/form-data", "text/plain; boundary=x"]
)
@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (None, "multipart/form-data"),
        ("multipart/form-data", "multipart/form-data"),
        ("Multipart/Mixed", "multipart/mixed"),
        ("multipart/related; type=text/xml", "multipart/related"),
        ("multipart/form-data; boundary=", "multipart/form-data"),
        ('multipart/form-data; boundary="my own"; x=y', "multipart/form-data"),
        ("multipart/form-data;BOUNDARY=----own", "multipart/form-data"),
    ],
)
def test_the_boundary_is_in_the_header(
    target: Target, make_context: MakeContext, resource: str | None, step: str | None, kind: str
) -> None:
    headers = {} if step is None else {"CONTENT-type": step}
    exchange = sent(target, make_context, resource, headers=headers, multipart=PARTS)
    assert exchange.headers["content-type"].lower().startswith(f"{kind};")
    assert parts(exchange) == ["1", '{"c":2}']


def test_a_resource_may_name_another_multipart_type(target: Target, make_context: MakeContext) -> None:
    exchange = sent(target, make_context, "multipart/related", multipart=PARTS)
    assert exchange.headers["content-type"].startswith("multipart/related; boundary=")
    assert parts(exchange) == ["1", '{"c":2}']


@pytest.mark.parametrize(
    ("resource", "step", "meta", "wanted"),
    [
        ("application/json", None, {"form": {"a": 1}}, FORM),
        (f"{FORM}; charset=utf-8", None, {"form": {"a": 1}}, f"{FORM}; charset=utf-8"),
        ("application/json", "text/x", {"form": {"a": 1}}, "text/x"),
        (None, "text/x", {"multipart": {"a": 1}}, "text/x"),
        ("application/vnd.api+json", None, {"body": {"a": 1}}, "application/vnd.api+json"),
        ("application/xml", None, {"body": "<a/>"}, "application/xml"),
        (None, None, {"body": {"a": 1}}, "application/json"),
        (None, None, {"body": "text"}, None),
        ("application/json", "text/x", {"body": {"a": 1}}, "text/x"),
    ],
)
def test_order(
    target: Target,
    make_context: MakeContext,
    resource: str | None,
    step: str | None,
    meta: dict[str, Any],
    wanted: str | None,
) -> None:
    headers = {} if step is None else {"Content-Type": step}
    assert sent(target, make_context, resource, headers=headers, **meta).headers.get("content-type") == wanted


def test_null_removes_the_resources_type(target: Target, make_context: MakeContext) -> None:
    exchange = sent(target, make_context, "text/x", headers={"Content-Type": None}, body={"a": 1})
    assert exchange.headers["content-type"] == "application/json"


@pytest.mark.parametrize("boundary", ['"ends in space "', '"' + "x" * 71 + '"', '"a;b"', "ä"])
def test_a_boundary_that_cannot_be_written(target: Target, make_context: MakeContext, boundary: str) -> None:
    with pytest.raises(BadConfig, match="boundary"):
        sent(
            target,
            make_context,
            None,
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
            multipart=PARTS,
        )
