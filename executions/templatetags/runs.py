"""Status badges, durations and times, for every template that shows runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template

from executions.pages.status_badges import badge_of
from executions.presentation import milliseconds

register = template.Library()


@register.inclusion_tag("executions/badge.html")
def badge(status: str) -> dict[str, Any]:
    """Show a status as icon and word."""
    return badge_of(status)._asdict()


@register.inclusion_tag("executions/status_icon.html")
def status_icon(status: str) -> dict[str, Any]:
    """Show a status as an icon, with the word for screen readers."""
    return badge_of(status)._asdict()


@register.simple_tag
def tone(status: str) -> str:
    """Return the CSS class of the status's colours."""
    return f"status-{badge_of(status).tone}"


@register.simple_tag
def word(status: str) -> str:
    """Return the status as a word."""
    return badge_of(status).word


@register.filter
def ms(moment: datetime | None) -> int | None:
    """Return ms since the epoch, for `data-` attributes that scripts read."""
    return milliseconds(moment)


@register.filter
def duration(value: int | None) -> str:
    """Return a readable duration: 340 ms, 4.20 s, 3 min 05 s, 2 h 10 min."""
    if value is None:
        return ""
    if value < 1_000:
        return f"{value} ms"
    if value < 60_000:
        return f"{value / 1_000:.{2 if value < 10_000 else 1}f} s"
    minutes, seconds = divmod(value // 1_000, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
