"""Host names with letters beyond ASCII, as DNS has them (`xn--…`) and as people write them."""

from __future__ import annotations

import re2

from steprunners.masking.bytes_search import byte_options, bytes_of

#: A host's name with letters beyond ASCII, as it is written for DNS (RFC 3492).
ENCODED_HOST = re2.compile(rb"(?i)(?:[a-z0-9_-]+\.)*xn--[a-z0-9-]{1,59}(?:\.[a-z0-9_-]+)*", byte_options())


#: Of a host's name (RFC 1035); decoding takes time that grows with the square of the length.
_LONGEST_LABEL = 63


def decoded_host(host: bytes) -> bytes:
    """Return the host's name as people write it; a label that is no Punycode as it is."""
    return b".".join(_decoded_label(label) for label in host.split(b"."))


def _decoded_label(label: bytes) -> bytes:
    if not label.lower().startswith(b"xn--") or len(label) > _LONGEST_LABEL:
        return label
    try:
        return bytes_of(label[4:].decode("punycode"))
    except UnicodeError:
        return label
