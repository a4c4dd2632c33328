"""The charset that a document declares in its own first bytes: XML, HTML, and CSS."""

from __future__ import annotations

import re

#: Where browsers look for it (HTML, "prescan a byte stream").
_FIRST = 1_024
_IN_XML = re.compile(rb"""\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']\s*([\w.:-]+)""", re.ASCII)
_IN_HTML = re.compile(rb"""(?i)<meta\s[^>]*?\bcharset\s*=\s*["']?\s*([\w.:-]+)""", re.ASCII)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_IN_CSS = re.compile(rb'@charset "([\w.:-]+)";', re.ASCII)


def declared_charset(body: bytes, *, is_html: bool) -> str | None:
    """Return the label that the document declares, or that its first bytes show; None where there is none."""
    first = body[:_FIRST]
    if first.startswith((b"<\0?\0", b"<\0!\0")):
        return "utf-16le"
    if first.startswith((b"\0<\0?", b"\0<\0!")):
        return "utf-16be"
    found = _IN_XML.match(first) or _IN_CSS.match(first)
    if found is None and is_html:
        found = _IN_HTML.search(_COMMENT.sub(b"", first))
    return _readable(found[1].decode()) if found else None


def _readable(label: str) -> str:
    # It was just read as ASCII, so it cannot be UTF-16 (HTML; XML 1.0, section 4.3.3).
    return "utf-8" if label.lower().startswith(("utf-16", "ucs-2", "iso-10646", "utf-32")) else label
