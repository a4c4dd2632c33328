"""The OpenAPI document as schemathesis reads it: requests made from it, and whether answers are as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from asynctester.api.openapi import Generator
from tests.matrix.actors import Asker
from tests.matrix.rows import Row

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
#: The document itself, and the page that shows it.
UNDOCUMENTED = {"api/v1/openapi.json", "api/v1/docs"}
ORIGIN = "http://testserver"
#: Requests as the document has them, and such as it forbids; credentials are ours to give.
GENERATION = GenerationConfig(modes=list(GenerationMode), with_security_parameters=False)
#: The client writes these of the body that it sends.
OF_THE_BODY = {"content-type", "content-length"}


@cache
def document() -> Any:
    """Return the document."""
    config = SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=GENERATION)))
    made = Generator().get_schema()  # type: ignore[no-untyped-call]  # the library has no types
    return schemathesis.openapi.from_dict(made, config=config)


def operations() -> Iterator[Any]:
    """Yield each operation of the document."""
    return (found.ok() for found in document().get_all_operations())


def pattern(path: str) -> str:
    """Return a path without the names of its parameters: the document's and the resolver's are written otherwise."""
    return re.sub(r"{[^}]+}|<[^>]+>", "{}", path.strip("/"))


@cache
def _by_place() -> dict[tuple[str, str], Any]:
    return {(each.method.upper(), pattern(each.path)): each for each in operations()}


def send(asker: Asker, case: Case[Any]) -> Response:
    """Send a request to the service in this process, as the asker; whatever it changes is rolled back."""
    sent = requests.Request(**case.as_transport_kwargs(base_url=ORIGIN)).prepare()
    url = urlsplit(str(sent.url))
    answer = asker.ask(
        str(sent.method),
        url.path,
        data=sent.body or b"",
        QUERY_STRING=url.query,
        content_type=sent.headers.get("Content-Type", ""),
        headers={name: value for name, value in sent.headers.items() if name.lower() not in OF_THE_BODY},
    )
    return answered(answer, sent)


def answered(answer: Any, sent: requests.PreparedRequest) -> Response:
    """Return Django's answer as schemathesis has them."""
    return Response(
        status_code=answer.status_code,
        headers={name.lower(): [value] for name, value in answer.items()},
        content=answer.getvalue(),
        request=sent,
        elapsed=0.0,
        verify=False,
    )


def not_as_documented(row: Row, answer: Any) -> list[str]:
    """Return what is not as the document says in the answer to a row's request."""
    operation = _by_place().get((row.method, pattern(row.route)))
    if operation is None:
        return [] if row.route in UNDOCUMENTED else ["it is not in the document"]
    # Nothing of the request counts but whose answer it is.
    case = operation.Case(path_parameters={each.name: "" for each in operation.path_parameters})
    return list(faults_of(case, answered(answer, requests.Request(row.method, ORIGIN).prepare())))


def faults_of(case: Case[Any], answer: Response) -> dict[str, str]:
    """Return what is not as the document says: a sentence by its kind."""
    try:
        case.validate_response(answer, checks=CHECKS)
    except BaseExceptionGroup as found:
        place = f"{case.operation.label} {answer.status_code}"
        return {f"{place} {type(each).__name__}": f"{place}: {each}" for each in found.exceptions}
    return {}
