"""Finds where two JSON values differ."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from steprunners.budgets.effort import tick
from steprunners.values.json_text import exact_decimal

MOST_DIFFERENCES = 100
ABSENT: Any = object()
_PLAIN_KEY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"


def differences(left: Any, right: Any) -> list[dict[str, Any]]:
    """Return the first MOST_DIFFERENCES places where the values differ, in document order.

    Each is `{path, left, right}`; a side without a value there has no key. Paths are written as in references:
    `body.items[0].sku`, `headers['content-type']`.
    """
    return [
        {"path": path, **_side("left", old), **_side("right", new)}
        for path, old, new in islice(_walk(left, right), MOST_DIFFERENCES)
    ]


def _side(name: str, value: Any) -> dict[str, Any]:
    return {} if value is ABSENT else {name: value}


def _walk(left: Any, right: Any) -> Iterator[tuple[str, Any, Any]]:
    waiting = [("", left, right)]  # a stack, since responses may be nested deeper than Python's
    while waiting:
        tick()
        path, old, new = waiting.pop()
        inside = _inside(path, old, new)
        if inside is not None:
            waiting.extend(reversed(inside))
        elif not _same(old, new):
            yield path, old, new


def _inside(path: str, old: Any, new: Any) -> list[tuple[str, Any, Any]] | None:
    """Return the items of two objects or two lists side by side; None for everything else."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [(_key(path, key), old.get(key, ABSENT), new.get(key, ABSENT)) for key in {**old, **new}]
    if isinstance(old, list) and isinstance(new, list):
        longest = range(max(len(old), len(new)))
        return [(f"{path}[{index}]", _item(old, index), _item(new, index)) for index in longest]
    return None


def _item(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else ABSENT


def _key(path: str, key: str) -> str:
    if not key or key.strip(_PLAIN_KEY):
        escaped = key.replace("\\", "\\\\").replace("'", "\\'")
        return f"{path}['{escaped}']"
    return f"{path}.{key}" if path else key


def _same(old: Any, new: Any) -> bool:
    """Compare scalars as JSON does, with every digit: 1 is 1.0 and is not true."""
    if isinstance(old, float) and isinstance(new, float):
        return exact_decimal(old) == exact_decimal(new)
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)
