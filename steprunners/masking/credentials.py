"""Credentials by their place: the headers, cookies and `auth` of a request or a result (contract, section 9).

Their values are masked completely in these places. The secret parts of them are masked everywhere else, too.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote

from steprunners.json_types import Json

MASK = "••••••"
SENSITIVE_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})

#: The JSON text of a record with headers contains at least one of these, where there is something to mask.
_BESIDE_HEADERS = ('"cookies": {"', *(f'"{name}"' for name in SENSITIVE_HEADERS))
#: The text as it came, beside what was parsed from it.
TEXT_OF = {"body": "bodyText", "value": "valueText"}
_OF_AUTH = frozenset({"password", "token", "clientSecret"})
#: The name and value of a cookie at the beginning of a `Set-Cookie`, also of several that are joined by commas.
_SET_COOKIE = re.compile(r"(?:^|,\s*)[^\s=;,]+=([^;,]*)")

#: The parameters of a scheme (Digest, AWS, OAuth) that prove who sends the request.
_TELLING_PARAMETER = re.compile(
    r'(?i)\b(?:token|signature|response|secret|password|key|\w+_(?:token|signature|key))\s*=\s*"?([^",\s]+)'
)
_encode = json.JSONEncoder(ensure_ascii=False).encode


def names_credentials(text: str) -> bool:
    """Return whether JSON text may hold a record in which `mask_credentials` masks something."""
    if '"auth"' in text:
        return True
    lowered = text.lower()
    return '"headers"' in lowered and any(name in lowered for name in _BESIDE_HEADERS)


def without_credentials(value: Json) -> Json:
    """Return the value with `mask_credentials` applied to every object in it; the same value if nothing changes."""
    if isinstance(value, dict):
        record = mask_credentials(value)
        changes = {
            key: new
            for key, each in record.items()
            if isinstance(each, (dict, list)) and (new := without_credentials(each)) is not each
        }
        # The text beside it shows the same credentials, and nobody knows where in the text.
        changes |= {text: MASK for key, text in TEXT_OF.items() if key in changes and text in record}
        return {**record, **changes} if changes else record
    if isinstance(value, list):
        members = [without_credentials(each) for each in value]
        return value if all(new is each for new, each in zip(members, value, strict=True)) else members
    return value


def shown_beside(value: Json) -> Json:
    """Return the value with its credentials masked; the value itself where it has none, or is nested too deeply."""
    try:
        return without_credentials(value) if names_credentials(_encode(value)) else value
    except (RecursionError, ValueError, TypeError):
        return value


def mask_credentials(record: dict[str, Json]) -> dict[str, Json]:
    """Return a request or result with the credentials in its `headers`, `cookies` and `auth` masked.

    `cookies` count only beside `headers`, and `auth` only beside `url`: elsewhere the names mean something else.
    """
    changes: dict[str, Json] = {}
    for key, value in record.items():
        if isinstance(value, dict) and value:
            hidden = _hidden_names(record, key, value)
            if any(value[name] != MASK for name in hidden):
                changes[key] = {name: MASK if name in hidden else each for name, each in value.items()}
    return {**record, **changes} if changes else record


def _hidden_names(record: dict[str, Json], key: str, value: dict[str, Json]) -> set[str]:
    """Return the names inside `record[key]` whose values are credentials."""
    if key.lower() == "headers":
        return {name for name, each in value.items() if each and name.lower() in SENSITIVE_HEADERS}
    if key == "cookies" and "headers" in record:
        return {name for name, each in value.items() if each}
    if key == "auth" and "url" in record:
        return {name for name, each in value.items() if each and name in _OF_AUTH}
    return set()


def credentials_of(value: Json) -> Iterator[str]:
    """Yield the secret parts of every value that `without_credentials` masks."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from _credentials_in_record(each)
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _credentials_in_record(record: dict[str, Json]) -> Iterator[str]:
    for key, inner in record.items():
        if not isinstance(inner, dict):
            continue
        for name in _hidden_names(record, key, inner):
            value, is_header = inner[name], key.lower() == "headers"
            for text in (str(each) for each in (value if isinstance(value, list) else [value])):
                yield from _parts_of_header(name, text) if is_header else parts_of_cookie(text)


def _parts_of_header(name: str, text: str) -> Iterator[str]:
    if name.lower() == "set-cookie":
        for value in _SET_COOKIE.findall(text):
            yield from parts_of_cookie(value)
        return
    yield from credentials_in(text)
    if name.lower() != "cookie" and len(text.split()) == 1:
        yield text.strip()  # a token without a scheme may end in "="


def credentials_in(text: str) -> Iterator[str]:
    """Yield the parts of a header that a system may repeat alone: what follows a scheme, and the values of cookies."""
    if not text.strip():
        return
    scheme, *more = text.split(None, 1)
    rest = more[0].strip() if more else ""
    if rest and "=" not in scheme:
        yield rest
        yield from _TELLING_PARAMETER.findall(rest)
        if scheme.lower() == "basic":
            yield from _of_basic(rest)
    elif "=" in text:
        for pair in re.split("[;,]", text):
            yield from parts_of_cookie(pair.partition("=")[2])
    else:
        yield text.strip()


def parts_of_cookie(value: str) -> tuple[str, str]:
    """Return a cookie's value as systems repeat it: without quotes, and with its escapes resolved."""
    bare = value.strip(' "')
    return bare, unquote(bare)


def _of_basic(pair: str) -> Iterator[str]:
    """Yield the password (RFC 7617), or the user name where there is none: API keys are sent as user names."""
    with suppress(binascii.Error, ValueError):
        raw = base64.b64decode(pair + "==")
        for codec in ("utf-8", "latin-1"):
            user, _, password = raw.decode(codec, "replace").partition(":")
            yield password or user
