"""Reads the answer of a monitoring server: returns its JSON, or explains why there is none."""

from __future__ import annotations

import html
import re

from steprunners.clients.http.response_body import read_body
from steprunners.errors import Refused, StepError
from steprunners.json_types import Json
from steprunners.masking.known_secrets import hidden_text, shorten
from steprunners.network import HttpResponse

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_LONGEST_TEXT = 500


def judged(response: HttpResponse, *, product: str, url: str) -> dict[str, Json]:
    """Return the JSON object of a successful answer.

    Raises Refused (4xx) and StepError with `server_error` (5xx) or `bad_response`; `url` is the resource's.
    """
    body, encoding, _ = read_body(response.body, response.header("content-type"))
    if not 200 <= response.status < 300:
        raise _failure(response, _told(body, encoding), product, url)
    if isinstance(body, dict) and body.get("status", "success") == "success":
        return body
    told = _told(body, encoding)
    if isinstance(body, dict):
        raise Refused(f"{product} answers with an error: {told}")
    raise not_understood(f"{told or 'nothing'}", product)


def not_understood(told: str, product: str) -> StepError:
    """Return the error for an answer that is not what the product documents."""
    return StepError(
        f"the answer does not look like one from {product}: {told}. Is the resource's url right?",
        code="bad_response",
    )


def _failure(response: HttpResponse, told: str, product: str, url: str) -> StepError:
    status, tail = response.status, f": {told}" if told else ""
    if status in (401, 403):
        # Loki answers "no org id" where it has tenants.
        missing = "tenant" if "org id" in told else "authToken, or username and password,"
        return Refused(f"{product} refuses the login ({status}): check {missing} of the resource{tail}")
    if status == 404:
        return Refused(f"there is no {product} API at {url} (404){tail}")
    if status == 429:
        wait = response.header("retry-after")
        hint = f", asks to wait {wait} s" if wait and wait.isdigit() else ""
        return Refused(f"{product} has too many requests (429){hint}{tail}")
    if 400 <= status < 500:
        return Refused(f"{product} refuses the query ({status}){tail}")
    if status >= 500:
        return StepError(f"{product} could not answer ({status}){tail}", code="server_error")
    return not_understood(f"status {status}{tail}", product)


def _told(body: Json, encoding: str) -> str:
    """Return a short text from the body: the text of an error, the title of a page, or its beginning."""
    if isinstance(body, dict):
        parts = [body.get("errorType"), body.get("error") or body.get("message")]
        return _short(": ".join(str(part) for part in parts if part))
    if encoding == "base64":
        return "bytes that are not text"
    text = str(body)
    if "<html" in text[:1_000].lower():
        title = _TITLE.search(text[:20_000])
        return f"an HTML page titled '{_short(html.unescape(title[1]))}'" if title else "an HTML page"
    return _short(text)


def _short(text: str) -> str:
    return shorten(" ".join(hidden_text(text).split()), _LONGEST_TEXT)
