"""Host names in the form of DNS: ASCII in lower case, as UTS #46 and browsers make it.

IDNA 2008 would refuse names that browsers look up (`☃.example`), and Python's own codec is IDNA 2003, where `ß` becomes
`ss`. So the characters are mapped by UTS #46, and each label that is still not ASCII is written in Punycode (RFC 3492).
Whether the name exists is for DNS to say.
"""

from __future__ import annotations

from functools import lru_cache

import idna

#: DNS allows 253 characters; the time to write a label in Punycode grows with the square of its length.
MAX_LENGTH = 253


def ascii_host(text: str) -> str:
    """Return a host name or address as it is looked up; a dot at its end stays.

    Raises ValueError for letters that no host name can contain.
    """
    return text.lower() if text.isascii() else _mapped(text)


@lru_cache(maxsize=256)
def _mapped(text: str) -> str:
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a host name has at most {MAX_LENGTH} characters")
    try:
        mapped = idna.uts46_remap(text, std3_rules=False)
    except idna.IDNAError as error:
        raise ValueError("a host name cannot contain all of these characters") from error
    return ".".join(_label(each) for each in mapped.split("."))


def _label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode()
