"""Pages compared with each other."""

from __future__ import annotations

import re


def without_marks(page: str) -> str:
    """Return the page without what differs each time: CSRF tokens (64 letters and digits) and the server's time."""
    return re.sub(r'\b[A-Za-z0-9]{64}\b|data-now="\d+"', "", page)
