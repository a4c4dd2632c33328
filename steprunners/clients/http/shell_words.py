"""Text as words of a shell command (bash and zsh): whatever is in the text, the command gets it unchanged."""

from __future__ import annotations

import base64
import re

#: Linux refuses an argument above 128 KiB (MAX_ARG_STRLEN).
LONGEST_ARGUMENT = 100_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SPECIAL = re.compile(r"[\x01-\x1f\x7f\\'!]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\", "'": r"\'"}


def quoted(text: str) -> str:
    r"""Return text without NUL as one word: in `'…'`, or with control characters as escapes in `$'…'`.

    A carriage return that is pasted into a terminal would end the line, even in quotes.
    """
    if not _CONTROL.search(text):
        return "'" + text.replace("'", "'\\''") + "'"
    return "$'" + _SPECIAL.sub(lambda found: _SHORT.get(found[0], f"\\x{ord(found[0]):02x}"), text) + "'"


def from_file(raw: bytes) -> str:
    """Return a word that names a file with these bytes: for what is no text, or longer than an argument may be."""
    text = _text(raw)
    if text is not None:
        return f"<(printf %s {quoted(text)})"  # printf is built in, and what is built in takes any length
    return f"<(printf %s '{base64.b64encode(raw).decode()}' | base64 -d)"


def as_argument(raw: bytes) -> str | None:
    """Return the bytes as one word; None where they are no text, or too long."""
    text = _text(raw)
    return quoted(text) if text is not None and len(raw) <= LONGEST_ARGUMENT else None


def _text(raw: bytes) -> str | None:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text
