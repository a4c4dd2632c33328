"""Which names say that their value is a secret, such as the header `X-Api-Key`."""

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
    """Return whether a value with this name is a secret."""
    return _TELLING.search(name) is not None
