"""Canary secrets, and how a leak of one is found: in the clear, in base64, and in what either was put into."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterator, Mapping


def make_canary(name: str) -> str:
    """Return a secret whose middle is found whatever encoding the whole went through.

    What stands around the middle changes in each encoding: quotes, slashes, spaces, what is not ASCII.
    """
    return f"{name} \"é/+&<\\{core()}'%=ü?"


def core() -> str:
    """Return letters and digits, which URLs, JSON, HTML and headers leave alone."""
    return "Cnry" + secrets.token_hex(8)


def core_of(canary: str) -> str:
    """Return the middle of a canary."""
    found = re.search(r"Cnry[0-9a-f]{16}", canary)
    if found is None:
        raise ValueError(canary)
    return found[0]


def forms_of(canary: str) -> Iterator[bytes]:
    """Yield what a text that leaks the canary holds: its middle, in hexadecimal digits, in base64 at each alignment."""
    middle = core_of(canary).encode()
    yield middle
    yield middle.hex().encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + middle)
        # What also depends on the neighbours is left out: up to two characters at each end.
        yield encoded[4 if shift else 0 : -4]


def leaks(found: Mapping[str, bytes], canaries: Mapping[str, str]) -> list[str]:
    """Return where which canary was found, with what stands around it."""
    return [
        f"{name} in {place}: …{text[max(0, at - 120) : at + 60]!r}…"
        for place, text in found.items()
        for name, canary in canaries.items()
        for form in forms_of(canary)
        if (at := text.find(form)) >= 0
    ]
