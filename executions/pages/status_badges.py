"""The badges of statuses: colour, icon and word. A test compares them with static/js/status.js."""

from __future__ import annotations

from typing import NamedTuple


class StatusBadge(NamedTuple):
    """The tone is a CSS class `status-<tone>`, the icon a symbol of static/icons.svg."""

    tone: str
    icon: str
    word: str


BADGES: dict[str, StatusBadge] = {
    "PENDING": StatusBadge("idle", "idle", "Pending"),
    "IN_PROGRESS": StatusBadge("live", "live", "Running"),
    "WAITING": StatusBadge("wait", "wait", "Waiting"),
    "SUCCESS": StatusBadge("ok", "ok", "Success"),
    "COMPLETED": StatusBadge("ok", "ok", "Completed"),
    "FAILED": StatusBadge("bad", "bad", "Failed"),
    "ERROR": StatusBadge("error", "error", "Error"),
    "SKIPPED": StatusBadge("idle", "skipped", "Skipped"),
    "CANCELLED": StatusBadge("idle", "cancelled", "Cancelled"),
}


def badge_of(status: str) -> StatusBadge:
    """Return the badge of an execution's or step's status."""
    return BADGES[str(status)]
