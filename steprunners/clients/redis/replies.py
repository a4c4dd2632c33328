"""Shows the replies to commands (RESP2); fields that a reply says nothing about are left out."""

from __future__ import annotations

import math
from typing import Any

from steprunners.clients.decoding import text_or_base64
from steprunners.clients.redis.values import element, pairs, parsed
from steprunners.json_types import Json

Shown = dict[str, Json]


def one(reply: Any) -> Shown:
    """Show a value that may be missing."""
    if not isinstance(reply, bytes):
        return {"value": reply, "exists": reply is not None}
    text, encoding = text_or_base64(reply)
    return {
        "value": text,
        "valueEncoding": encoding,
        "exists": True,
        "json": parsed(text) if encoding == "text" else None,
    }


def many(reply: list[Any]) -> Shown:
    """Show a list."""
    return {"values": [element(each) for each in reply], "count": len(reply), "exists": bool(reply)}


def members(reply: list[Any]) -> Shown:
    """Show a set, sorted, so that it can be compared with a list."""
    return many(sorted(reply))


def fields_of(reply: list[Any]) -> Shown:
    """Show a hash."""
    values = pairs(reply)
    return {"values": values, "count": len(values), "exists": bool(values)}


def entries(reply: list[Any]) -> Shown:
    """Show the entries of a stream."""
    entries: list[Json] = [{"id": key.decode(), "fields": pairs(fields or [])} for key, fields in reply]
    return {"values": entries, "count": len(entries), "exists": bool(entries)}


def changed(reply: int) -> Shown:
    """Show how many existed and were changed."""
    return {"count": reply, "exists": reply > 0}


def length(reply: int) -> Shown:
    """Show a length."""
    return {"value": reply, "count": reply, "exists": reply > 0}


def written(reply: int) -> Shown:
    """Show how many were added."""
    return {"count": reply, "exists": True}


def flag(reply: int) -> Shown:
    """Show a yes or no."""
    return {"value": bool(reply), "exists": bool(reply)}


def done(reply: Any) -> Shown:
    """Show the reply to a write that always leaves a value."""
    return {**one(reply), "exists": True}


def ttl(reply: int) -> Shown:
    """Show seconds; -1 means no expiry, -2 no such key."""
    return {"value": reply, "exists": reply != -2}


def type_name(reply: bytes) -> Shown:
    """Show a type."""
    return {"value": reply.decode(), "exists": reply != b"none"}


def score(reply: bytes | None) -> Shown:
    """Show a member's score; infinite ones, which JSON lacks, stay text."""
    if reply is None:
        return {"value": None, "exists": False}
    number = float(reply)
    shown: Json = reply.decode() if math.isinf(number) else number
    return {"value": int(number) if number.is_integer() and abs(number) <= 2**53 else shown, "exists": True}
