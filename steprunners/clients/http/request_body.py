"""Encodes the body of a request: JSON, text, a form, or parts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from pydantic import Field, model_validator
from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata

from steprunners.config import Wire
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.values.sent_text import as_text


class MultipartPart(Wire):
    """One part of a `multipart/form-data` body (RFC 7578): a field, or a file where `filename` is given.

    `value` is a field's value, `content` a file's text, `contentBase64` a file's bytes.
    """

    name: str = Field(min_length=1)
    value: Json = None
    content: str | None = None
    content_base64: str | None = None
    filename: str | None = None
    content_type: str | None = Field(None, pattern=r"^[\x20-\x7e]+$")

    @model_validator(mode="after")
    def _one_content(self) -> MultipartPart:
        if sum(each is not None for each in (self.value, self.content, self.content_base64)) > 1:
            raise ValueError("a part can have only one of value, content and contentBase64")
        return self


def encode_body(body: Json) -> tuple[bytes, str | None]:
    """Return the bytes and content type of `body`: text unchanged, anything else as JSON (`json_of`)."""
    raw = as_text(body).encode("utf-8", "replace")
    return raw, None if isinstance(body, str) else "application/json"


def encode_form(form: Mapping[str, Json]) -> tuple[bytes, str]:
    """Return the bytes and content type of a form; a list repeats its name, and null is left out."""
    return urlencode(_pairs(form), errors="replace").encode(), "application/x-www-form-urlencoded"


def encode_query(values: Mapping[str, Json]) -> str:
    """Return `values` as parameters of a URL, escaped as the value of a reference is: a space is `%20`."""
    return urlencode(_pairs(values), errors="replace", quote_via=quote, safe="")


def _pairs(values: Mapping[str, Json]) -> list[tuple[str, str]]:
    return [
        (name, as_text(each))
        for name, value in values.items()
        for each in (value if isinstance(value, list) else [value])
        if each is not None
    ]


def encode_multipart(parts: list[MultipartPart], boundary: str | None = None) -> tuple[bytes, str]:
    """Return the bytes and content type of a multipart form; raise BadConfig for invalid base64."""
    return encode_multipart_formdata([_field(part) for part in parts], boundary)


def _field(part: MultipartPart) -> RequestField:
    field = RequestField(name=part.name, data=_content(part), filename=part.filename)
    default = "application/octet-stream" if part.filename else None
    field.make_multipart(content_type=part.content_type or default)
    return field


def _content(part: MultipartPart) -> bytes:
    if part.content_base64 is not None:
        try:
            return base64.b64decode(part.content_base64, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadConfig(f"meta.multipart: the contentBase64 of {part.name} is not base64") from error
    text = part.content if part.content is not None else as_text("" if part.value is None else part.value)
    return text.encode("utf-8", "replace")
