"""JSON and YAML bodies and answers of the flow endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework import exceptions
from rest_framework.parsers import BaseParser

from flows.documents.parsing import parse_documents
from flows.problems import FlowInvalid, invalid
from flows.yaml.text import write_yaml
from resources.api.renderers import JSONRenderer
from resources.limits.effective import check_request_size
from steprunners.values.json_text import loads


class InvalidFlow(exceptions.ValidationError):
    """A flow document is not valid; every problem is an error with its place as `attr`."""

    def __init__(self, error: FlowInvalid, *, prefix: str = "") -> None:
        """Take over the problems, their places put below `prefix`."""
        self.problems = error.problems
        details: dict[Any, list[exceptions.ErrorDetail]] = {}  # None: the document as a whole
        for problem in error.problems:
            place = ".".join(part for part in (prefix, problem.place) if part) or None
            details.setdefault(place, []).append(exceptions.ErrorDetail(problem.message, problem.code))
        super().__init__(details)


class _DocumentParser(BaseParser):
    """Reads a body with `flows.documents.parsing`; the value is whatever the body holds."""

    def parse(
        self,
        stream: IO[bytes],
        _media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the value of the body; raise InvalidFlow where it cannot be read."""
        body = stream.read(settings.MAX_REQUEST_BYTES + 1)
        if len(body) > settings.MAX_REQUEST_BYTES:
            raise RequestDataTooBig
        check_request_size(len(body), (parser_context or {}).get("request"))
        try:
            return self.read(body)
        except FlowInvalid as error:
            raise InvalidFlow(error) from error

    def read(self, body: bytes) -> Any:
        """Return the one document of the body."""
        documents = parse_documents(body, self.media_type or "")
        if len(documents) != 1:
            raise invalid("parse_error", f"expected one document, found {len(documents)}")
        return documents[0]


class FlowJSONParser(_DocumentParser):
    """One flow as JSON."""

    media_type = "application/json"


class FlowYAMLParser(_DocumentParser):
    """One flow as YAML."""

    media_type = "application/yaml"


class OtherFlowYAMLParser(_DocumentParser):
    """One flow as YAML, by the older names of the media type."""

    media_type = "application/x-yaml"


class TextFlowYAMLParser(_DocumentParser):
    """One flow as YAML, sent as text."""

    media_type = "text/yaml"


class _DocumentsParser(_DocumentParser):
    """Reads a body of several documents; the value is a list."""

    def read(self, body: bytes) -> Any:
        """Return the documents of the body, or the elements of the one list in it."""
        documents = parse_documents(body, self.media_type or "")
        return documents[0] if len(documents) == 1 and isinstance(documents[0], list) else documents


class FlowsJSONParser(_DocumentsParser):
    """A list of flows (or one) as JSON."""

    media_type = "application/json"


class FlowsYAMLParser(_DocumentsParser):
    """Flows as YAML documents, or one list of them."""

    media_type = "application/yaml"


class YAMLRenderer(JSONRenderer):
    """Writes any answer as YAML."""

    media_type = "application/yaml"
    format = "yaml"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        _accepted_media_type: str | None = None,
        _renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the YAML text of what JSON would say."""
        return write_yaml(_plain(data)).encode()


class YAMLDocumentsRenderer(YAMLRenderer):
    """Writes a list as one YAML document an element."""

    def render(
        self,
        data: Any,
        _accepted_media_type: str | None = None,
        _renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the YAML text; what is no list (an error) is one document, text is YAML already."""
        documents = data if isinstance(data, list) and data else [data]  # none at all are an empty list
        texts = (each if isinstance(each, str) else write_yaml(_plain(each)) for each in documents)
        return "---\n".join(texts).encode()


def _plain(data: Any) -> Any:
    """Return the data as JSON has it: error details, lazy texts and ordered dicts become plain values."""
    return loads(JSONRenderer().render(data)) if data is not None else None
