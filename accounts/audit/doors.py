"""The doors through which somebody comes in, as the audit log names them.

It imports no models: `manage.py` calls it before Django is set up.
"""

from __future__ import annotations

from contextvars import ContextVar
from enum import StrEnum


class Door(StrEnum):
    """What somebody came in by; SYSTEM is the service itself: a schedule, a trigger, the sweeper."""

    API = "API"
    PAGE = "PAGE"
    ADMIN = "ADMIN"
    CLI = "CLI"
    SYSTEM = "SYSTEM"


_door: ContextVar[Door] = ContextVar("door", default=Door.SYSTEM)


def enter_by_command_line() -> None:
    """Say that somebody on the command line asked for everything that this process does without a request."""
    _door.set(Door.CLI)


def door_without_request() -> Door:
    """Return the door of what this process does without a request."""
    return _door.get()
