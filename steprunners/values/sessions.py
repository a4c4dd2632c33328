"""What steps of one execution share under a name, as entries that each step changes for itself.

An entry is a JSON object with `at`, the time of its last change. Steps that run beside each other change different
entries, or the later change wins. An entry that says "removed" stays one, so that a removal wins as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

Entries = dict[str, dict[str, Any]]

#: Beyond these limits the entries that were changed first are forgotten.
MOST_ENTRIES = 3_000
MOST_CHARACTERS = 1024 * 1024


def merged(parts: Iterable[Mapping[str, dict[str, Any]]]) -> Entries:
    """Return the entries of all parts; of those with the same name the one that was changed last."""
    entries: Entries = {}
    for part in parts:
        for name, entry in part.items():
            if name not in entries or entry["at"] >= entries[name]["at"]:
                entries[name] = entry
    return _newest(entries)


def _newest(entries: Entries) -> Entries:
    """Return as many of the entries as the limits allow, those that were changed last."""
    sizes = {name: len(name) + len(json.dumps(entry)) for name, entry in entries.items()}
    if len(entries) <= MOST_ENTRIES and sum(sizes.values()) <= MOST_CHARACTERS:
        return entries
    names = sorted(entries, key=lambda name: entries[name]["at"], reverse=True)[:MOST_ENTRIES]
    total = accumulate(sizes[name] for name in names)
    return {name: entries[name] for name, size in zip(names, total, strict=True) if size <= MOST_CHARACTERS}
