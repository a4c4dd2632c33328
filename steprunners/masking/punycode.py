"""Decodes host names with letters beyond ASCII, which DNS writes as `xn--…`."""

from __future__ import annotations

import re2

from steprunners.masking.bytes_search import byte_options, bytes_of

#: A host name with letters beyond ASCII in the form of DNS (RFC 3492).
ENCODED_HOST = re2.compile(rb"(?i)(?:[a-z0-9_-]+\.)*xn--[a-z0-9-]{1,59}(?:\.[a-z0-9_-]+)*", byte_options())


#: The longest label of a host name (RFC 1035); the time of decoding grows with the square of the length.
_LONGEST_LABEL = 63


def decoded_host(host: bytes) -> bytes:
    """Return the host name as people write it; a label that is not Punycode stays unchanged."""
    return b".".join(_decoded_label(label) for label in host.split(b"."))


def _decoded_label(label: bytes) -> bytes:
    if not label.lower().startswith(b"xn--") or len(label) > _LONGEST_LABEL:
        return label
    try:
        return bytes_of(label[4:].decode("punycode"))
    except UnicodeError:
        return label
