"""Which names tell that what they name is a secret, such as the header `X-Api-Key`."""

from __future__ import annotations

import re

_KEYS = (
    "access|account|admin|api|app|application|client|consumer|functions|master|private|service|subscription"
)
_TELLING = re.compile(
    rf"auth|bearer|cookie|credential|jwt|passw|pwd|secret|session|signature|token|({_KEYS})[-_]?key",
    re.IGNORECASE,
)


def tells_secret(name: str) -> bool:
    """Return whether what has this name is a secret."""
    return _TELLING.search(name) is not None
