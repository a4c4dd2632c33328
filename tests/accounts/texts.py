"""Pages compared with each other."""

from __future__ import annotations

import re


def without_marks(page: str) -> str:
    """Return the page without its CSRF tokens (Django: 64 letters and digits), which differ each time."""
    return re.sub(r"\b[A-Za-z0-9]{64}\b", "", page)
