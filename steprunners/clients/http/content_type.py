"""The body of a request together with its `Content-Type`, which the step, the resource or the body itself can give.

What the step writes is sent as it is written. A resource's header was written without knowing the step's body: it
counts for `body`, but not for a form or parts of another type. The parts of a `multipart` body can be read only with
their boundary, so it is added to a multipart type that has none.
"""

from __future__ import annotations

import re

from requests.structures import CaseInsensitiveDict

from steprunners.clients.http.config import HttpConfig
from steprunners.clients.http.request_body import encode_body, encode_form, encode_multipart
from steprunners.errors import BadConfig

_NAME = "Content-Type"
_BOUNDARY = re.compile(r';[ \t]*boundary=(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s;"]*))', re.IGNORECASE)
# RFC 2046, 5.1.1
_USABLE = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]\Z")


def body_with_type(config: HttpConfig, headers: CaseInsensitiveDict[str]) -> bytes | None:
    """Return the body of the step, and put its type into `headers`, those of resource and step. Raises BadConfig."""
    given = headers.get(_NAME)
    of_step = any(name.lower() == "content-type" for name in config.headers)
    if config.multipart is not None:
        return _multipart(config, headers, given if of_step or _is_multipart(given) else None)
    if config.form is not None:
        body, usual = encode_form(config.form)
        headers[_NAME] = given if given is not None and (of_step or _is_type(given, usual)) else usual
        return body
    return None if config.body is None else _plain(config, headers)


def _plain(config: HttpConfig, headers: CaseInsensitiveDict[str]) -> bytes:
    body, usual = encode_body(config.body)
    if usual is not None:
        headers.setdefault(_NAME, usual)
    return body


def _multipart(config: HttpConfig, headers: CaseInsensitiveDict[str], given: str | None) -> bytes:
    found = _BOUNDARY.search(given or "")
    boundary = (found["quoted"] or found["plain"] or "") if found else ""
    if boundary and not _USABLE.match(boundary):
        raise BadConfig(
            "meta.headers.Content-Type: the boundary must have at most 70 letters, digits and '()+_,-./:=?"
        )
    body, usual = encode_multipart(config.multipart or [], boundary or None)
    if given is None:
        headers[_NAME] = usual
    elif _is_multipart(given) and not boundary:
        headers[_NAME] = f"{_BOUNDARY.sub('', given).rstrip('; ')};{usual.partition(';')[2]}"
    return body


def _is_multipart(content_type: str | None) -> bool:
    return content_type is not None and content_type.lower().startswith("multipart/")


def _is_type(content_type: str, media_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == media_type
