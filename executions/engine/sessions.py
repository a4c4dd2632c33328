"""What a step shares with other steps of its execution under a name (cookies): read for each call, written after it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from executions import statements
from executions.models import ExecutionStep, SessionState
from steprunners.values.sessions import Entries, merged


class StepSessions:
    """The sessions that one run of a claimed step uses; in a `forEach` each item may name another one."""

    def __init__(self, step: ExecutionStep) -> None:
        """Read nothing yet: most steps use no session."""
        self._step = step
        #: By key: what the step stored before, and what it changed since.
        self._stored: dict[str, Entries] = {}
        self._changes: dict[str, Entries] = {}

    def open(self, name: str | None) -> tuple[Entries, Entries]:
        """Return the entries as they are now, and a dict for the changes of one more call."""
        if name is None:
            return {}, {}
        key = _key(name)
        rows = _rows(self._step.execution_id, name)
        stored = {row.position: _entries(row) for row in rows}
        self._stored[key] = stored.get(self._step.position, {})
        changes = self._changes.setdefault(key, {})
        return merged([*stored.values(), changes]), changes

    def save(self) -> None:
        """Store the changes, so that steps that start from now on see them."""
        for key, changes in self._changes.items():
            if changes:
                self._stored[key] = merged([self._stored[key], changes])
                statements.sessions.write_changes(self._step, key, self._stored[key])
        self._changes = {}


def entries_at(execution_id: uuid.UUID, name: str, moment: datetime, ended: Collection[int]) -> Entries:
    """Return the entries of a session as they were at that moment, when the steps at the positions `ended` were over.

    An entry that a step changed later is missing: a step stores only its last change of each.
    """
    latest = moment.timestamp() * 1_000_000
    return merged(
        {
            each: entry
            for each, entry in _entries(row).items()
            if row.position in ended or entry["at"] <= latest
        }
        for row in _rows(execution_id, name)
    )


def _rows(execution_id: uuid.UUID, name: str) -> list[SessionState]:
    old_key = name if name.isprintable() else _key(name)  # PostgreSQL takes neither NUL nor surrogates
    return statements.sessions.changes_of_steps(execution_id, _key(name), old_key)


def _key(name: str) -> str:
    """Return the name as it is stored: it may contain a secret."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _entries(row: SessionState) -> Entries:
    """Return the entries of the row. A release before 0011, which may still run, writes one list of cookies."""
    if isinstance(row.value, dict):
        return row.value
    cookies = [_cookie(number, each) for number, each in enumerate(row.value)]
    return {
        json.dumps([each["domain"], each["path"], each["name"]]): {"at": 0, "cookie": each}
        for each in cookies
    }


def _cookie(number: int, old: dict[str, Any]) -> dict[str, Any]:
    kept = {name: old[name] for name in ("name", "path", "secure", "expires")}
    # Python's jar writes a host without a dot as `host.local`.
    domain = old["domain"].removeprefix(".").removesuffix(".local")
    return {
        **kept,
        "value": old["value"] or "",
        "domain": domain,
        "host_only": not old["domain_specified"],
        "created": number,
    }
