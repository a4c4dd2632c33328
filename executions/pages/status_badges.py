"""How statuses look: tone (colour), icon and word; a test compares it with static/js/status.js."""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """The tone names a CSS class `status-<tone>`, the icon a symbol of static/icons.svg."""

    tone: str
    icon: str
    word: str


LOOKS: dict[str, Look] = {
    "PENDING": Look("idle", "idle", "Pending"),
    "IN_PROGRESS": Look("live", "live", "Running"),
    "WAITING": Look("wait", "wait", "Waiting"),
    "SUCCESS": Look("ok", "ok", "Success"),
    "COMPLETED": Look("ok", "ok", "Completed"),
    "FAILED": Look("bad", "bad", "Failed"),
    "ERROR": Look("error", "error", "Error"),
    "SKIPPED": Look("idle", "skipped", "Skipped"),
    "CANCELLED": Look("idle", "cancelled", "Cancelled"),
}


def look_of(status: str) -> Look:
    """Return the look of an execution's or step's status."""
    return LOOKS[str(status)]
