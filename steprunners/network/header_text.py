"""The text of header values: bytes that http.client hands over as Latin-1 (RFC 9110, section 5.5)."""

from __future__ import annotations


def header_text(received: str) -> str:
    """Return the text that the sender meant: UTF-8, or Latin-1 where the bytes are not valid UTF-8."""
    if received.isascii():
        return received
    try:
        return received.encode("latin-1").decode()
    except UnicodeError:
        return received
