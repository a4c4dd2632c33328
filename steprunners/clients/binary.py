"""Bytes that are not text, as JSON: `{"base64": "…"}`. So they are given and, inside lists and objects, shown.

An object's keys are text alone. So a name that is not text is `base64:…` there. A name that is text and begins with
`base64:` is written so too: what was read always means the same bytes where it is given.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict
from typing_extensions import TypedDict

from steprunners.clients.decoding import text_or_base64
from steprunners.errors import BadConfig
from steprunners.json_types import Json

MARKER = "base64"
_PREFIX = f"{MARKER}:"


def _check_text(text: str) -> str:
    if not (isinstance(text, str) and "${" in text):
        base64_bytes(text)
    return text


class Base64(TypedDict):
    """Bytes that are not text."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # pydantic's own way

    base64: Annotated[str, AfterValidator(_check_text)]


def is_marked(value: Any) -> bool:
    """Whether the value is `{"base64": …}`."""
    return isinstance(value, dict) and set(value) == {MARKER}


def marked_bytes(value: Json, place: str) -> bytes | None:
    """Return the bytes of `{"base64": …}`, None for any other value; raise BadConfig for invalid base64."""
    if not is_marked(value):
        return None
    try:
        return base64_bytes(value[MARKER])  # type: ignore[call-overload,index]  # it is an object
    except ValueError as error:
        raise BadConfig(f"{place}.{MARKER}: {error}") from error


def check_marked(value: Json) -> Json:
    """Return the value; raise ValueError where it has the form of bytes and its base64 is not valid."""
    if is_marked(value):
        _check_text(value[MARKER])  # type: ignore[arg-type,call-overload,index]  # it is an object
    return value


#: A JSON value that may be `{"base64": …}`; that is checked as soon as the step is saved.
Bytes = Annotated[Json, AfterValidator(check_marked)]


def _check_alternative(value: Any) -> Any:
    """Check an object before pydantic tries it as text and as bytes, and says both."""
    if isinstance(value, dict):
        if not is_marked(value):
            raise ValueError('must be text, or bytes as {"base64": "…"}')
        check_marked(value)
    return value


def _check_filled(value: Any) -> Any:
    if value == "":
        raise ValueError("must not be empty")
    return _check_alternative(value)


#: For a field that takes text or `{"base64": …}`; the second refuses empty text.
OrBytes = BeforeValidator(_check_alternative)
FilledOrBytes = BeforeValidator(_check_filled)


def base64_bytes(text: Json) -> bytes:
    """Return the bytes of a text in base64 (RFC 4648, section 4); white space does not count. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError("this must be text in base64")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"this is not valid base64 ({error})") from error


def shown(raw: bytes) -> Json:
    """Return the bytes as text, or as `{"base64": …}` where they are not text."""
    text, encoding = text_or_base64(raw)
    return text if encoding == "text" else {MARKER: text}


def shown_name(raw: bytes) -> str:
    """Return the bytes as the key of a JSON object: text, or `base64:…`."""
    text, encoding = text_or_base64(raw)
    if encoding == "text" and not text.startswith(_PREFIX):
        return text
    return _PREFIX + base64.b64encode(raw).decode()


def name_bytes(name: str, place: str) -> bytes:
    """Return the bytes of an object's key, `base64:…` or text; raise BadConfig where it has none."""
    if not name.startswith(_PREFIX):
        return text_bytes(name, place)
    try:
        return base64_bytes(name.removeprefix(_PREFIX))
    except ValueError as error:
        raise BadConfig(f"{place}: the name '{name[:40]}' begins with {_PREFIX}, but {error}") from error


def text_bytes(text: str, place: str) -> bytes:
    """Return the text in UTF-8; raise BadConfig for half a character."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise BadConfig(
            f"{place} contains half a character (a lone surrogate), which UTF-8 cannot hold"
        ) from None
