"""Entries of an object in a config that are secret by their names, such as a header `X-Api-Key`.

A connection says which of its fields are objects like that (`ConnectionConfig.secret_entries`). Their telling entries
are kept with the secret fields, as `headers.X-Api-Key`; a field's own name never holds a dot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.masking.secret_names import tells_secret


def is_entry(name: str) -> bool:
    """Return whether that is the name of an entry, not of a secret field."""
    return "." in name


def apart(config: Mapping[str, Any], fields: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the config without the secret entries of these fields, and those by their names."""
    plain = dict(config)
    entries: dict[str, Any] = {}
    for field in fields:
        found = config.get(field)
        if not isinstance(found, dict):
            continue  # absent, or wrong: the check of the config says so
        secret = {name for name, value in found.items() if value is not None and _is_secret(name, value)}
        entries |= {f"{field}.{name}": found[name] for name in secret}
        plain[field] = {name: value for name, value in found.items() if name not in secret}
    return plain, entries


def _is_secret(name: str, value: Any) -> bool:
    # A mask stands for a secret: under another name (the entry was renamed) it must not be taken for a value.
    return tells_secret(name) or value == MASK


def together(plain: Mapping[str, Json], secrets: Mapping[str, Json]) -> dict[str, Json]:
    """Return the whole config again, of what `apart` gave and the secret fields."""
    whole = dict(plain)
    for name, value in secrets.items():
        field, dot, entry = name.partition(".")
        inner = whole.get(field) or {}
        whole[field] = {**inner, entry: value} if dot and isinstance(inner, dict) else value
    return whole
