"""Decodes the body of an answer: JSON, text, or neither, which is then kept in base64.

What says how bytes are text, in this order: a byte order mark, the charset of the content type, what the document
declares itself (XML, HTML, CSS). Otherwise text is UTF-8, or Windows-1252 where it is not valid UTF-8.
"""

from __future__ import annotations

import base64
import codecs
from typing import Literal, NamedTuple, cast

from steprunners.clients.charsets import Decode, decoder_of
from steprunners.clients.decoding import json_text, parse_text
from steprunners.clients.http.declared_charset import declared_charset
from steprunners.clients.http.media_type import MediaType, media_type_of
from steprunners.json_types import Json

BodyEncoding = Literal["json", "text", "base64"]

# UTF-32 first: its little-endian mark begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BEGINNING = 64
_windows_1252 = cast("Decode", decoder_of("windows-1252"))


class Body(NamedTuple):
    """A body as a result shows it; `text` is the text as it came, where the body was parsed."""

    value: Json
    encoding: BodyEncoding
    text: str | None = None


def read_body(body: bytes, content_type: str | None) -> Body:
    """Return the body and its encoding; never raises, whatever the bytes are."""
    media_type = media_type_of(content_type)
    if media_type.is_json or (media_type.name == "" and _looks_like_json(body)):
        parsed = _parsed(body, media_type.charset)
        if parsed is not None:
            return parsed
    text = _text(body, media_type)
    if text is None or "\0" in text:
        return Body(base64.b64encode(body).decode(), "base64")
    return Body(text, "text")


def _looks_like_json(body: bytes) -> bool:
    beginning = body[:_BEGINNING].lstrip(codecs.BOM_UTF8 + b"\xfe\xff\0 \t\r\n")
    return beginning[:1] in (b"{", b"[")


def _parsed(body: bytes, charset: str | None) -> Body | None:
    """Return JSON, which is in UTF-8, 16 or 32 (RFC 8259); only what is in none of them is read by its charset."""
    text = json_text(body)
    if text is None:
        decode = decoder_of(charset) if charset else None
        text = decode(body) if decode else None
        if text is None or not _is_clean(text):
            return None
    found, value = parse_text(text)
    return Body(value, "json", text) if found else None


def _text(body: bytes, media_type: MediaType) -> str | None:
    marked = _marked(body, media_type)
    if marked is not None:
        return marked
    decode = _decoder(body, media_type)
    if decode is not None:
        text = decode(body)
        if media_type.is_text or _is_clean(text):
            return text
    try:
        return body.decode()
    except UnicodeDecodeError:
        return _windows_1252(body) if media_type.is_text else None


def _decoder(body: bytes, media_type: MediaType) -> Decode | None:
    """Return the decoder of the first charset that is given and known: in the content type, then in the body."""
    if media_type.is_binary:
        return None
    given = decoder_of(media_type.charset) if media_type.charset else None
    if given is not None or not (media_type.is_xml or media_type.name in ("text/html", "text/css", "")):
        return given
    declared = declared_charset(body, is_html=media_type.name == "text/html")
    return decoder_of(declared) if declared else None


def _is_clean(text: str) -> bool:
    return "\ufffd" not in text and "\0" not in text


def _marked(body: bytes, media_type: MediaType) -> str | None:
    """Return the text after a byte order mark, None where there is none, or where it seems to be one by chance."""
    if media_type.is_binary:
        return None
    for mark, codec in _MARKS:
        if body.startswith(mark):
            try:
                return body[len(mark) :].decode(codec)
            except UnicodeDecodeError:
                if codec.startswith("utf-32"):
                    continue
                return body[len(mark) :].decode(codec, "replace") if media_type.is_text else None
    return None
