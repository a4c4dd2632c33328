"""The `Idempotency-Key` of a run request: which key, and a fingerprint of what was asked for.

A key names one request. The same key with another request is a mistake of the client: 409, and nothing runs.
"""

from __future__ import annotations

from typing import Any, TypedDict

from django.utils.crypto import salted_hmac
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from steprunners.values.json_text import dumps

LONGEST_KEY = 200
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description=(
        "A request with a key that was used before returns the execution of that request. 409 if the key was used for "
        "another flow or body."
    ),
)


class Idempotency(TypedDict):
    """What the services that start a run take."""

    idempotency_key: str | None
    request_fingerprint: str


def idempotency_of(request: Request, **asked: Any) -> Idempotency:
    """Return the key of the request, and the fingerprint of what it asks for: defaults filled in, keys in any order.

    Raises ValidationError for a key that is too long.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > LONGEST_KEY:
        raise ValidationError({"Idempotency-Key": [f"At most {LONGEST_KEY} characters."]}, "max_length")
    return {"idempotency_key": key or None, "request_fingerprint": _fingerprint(asked) if key else ""}


def _fingerprint(asked: dict[str, Any]) -> str:
    # Keyed, because the values of secret variables are part of it.
    return salted_hmac(__name__, dumps(_in_order(asked)), algorithm="sha256").hexdigest()


def _in_order(value: Any) -> Any:
    """Return the value with the keys of its objects in order, and ids as text."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_in_order(each) for each in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)
