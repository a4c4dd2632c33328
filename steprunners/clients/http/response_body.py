"""Decodes the body of an answer: JSON, text, or neither, which is then kept in base64."""

from __future__ import annotations

import base64
import codecs
from email.message import Message
from functools import lru_cache
from typing import Literal

from steprunners.clients.decoding import parse_json
from steprunners.json_types import Json

BodyEncoding = Literal["json", "text", "base64"]

_TEXT_SUBTYPES = (
    "json",
    "xml",
    "javascript",
    "ecmascript",
    "yaml",
    "x-yaml",
    "toml",
    "csv",
    "graphql",
    "x-www-form-urlencoded",
)
# Text codecs whose time grows with the square of the input, or that interpret escapes.
_NOT_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw-unicode-escape", "undefined", "utf-7"})


def read_body(body: bytes, content_type: str | None) -> tuple[Json, BodyEncoding]:
    """Return the body and its encoding; never raises, whatever the bytes are."""
    media_type, charset = _media_type(content_type)
    if _is_json(media_type) or (media_type == "" and body[:1] in (b"{", b"[")):
        found, value = parse_json(body)
        if found:
            return value, "json"
    text = _decode(body, charset, is_text=_is_text(media_type))
    if text is None:
        return base64.b64encode(body).decode(), "base64"
    return text, "text"


@lru_cache(maxsize=128)
def _media_type(content_type: str | None) -> tuple[str, str | None]:
    if not content_type:
        return "", None
    header = Message()
    header["content-type"] = content_type.split(",")[0]
    charset = header.get_param("charset")
    return header.get_content_type() if "/" in content_type else "", charset if isinstance(
        charset, str
    ) else None


def _is_json(media_type: str) -> bool:
    return media_type.endswith(("/json", "+json"))


def _is_text(media_type: str) -> bool:
    subtype = media_type.partition("/")[2]
    return (
        media_type.startswith("text/")
        or subtype.rpartition("+")[2] in _TEXT_SUBTYPES
        or subtype in _TEXT_SUBTYPES
    )


def _decode(body: bytes, charset: str | None, *, is_text: bool) -> str | None:
    for name in (charset, "utf-8-sig"):
        if name is not None and (text := _decoded(body, name)) is not None and (is_text or "\0" not in text):
            return text
    return body.decode("latin-1") if is_text else None


def _decoded(body: bytes, charset: str) -> str | None:
    try:
        codec = codecs.lookup(charset)
        if codec.name in _NOT_CHARSETS:
            return None
        return body.decode(codec.name)
    except (LookupError, ValueError):
        return None
