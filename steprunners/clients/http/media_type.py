"""Reads a Content-Type header as browsers do (RFC 9110, section 8.3; WHATWG Fetch, "extract a MIME type")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

#: What is read of a header; a longer one is a mistake, or an attack on the expressions below.
_LONGEST = 1_000
_QUOTED = r'"(?:[^"\\]|\\.)*"'
#: A type with its parameters. Commas, which join several headers, and semicolons may stand in quotes.
_ONE_TYPE = re.compile(rf"(?:{_QUOTED}|[^,])+")
_PARAMETER = re.compile(rf";\s*([^\s;=]+)\s*=\s*({_QUOTED}|[^;]*)")
_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+/[\w!#$%&'*+.^`|~-]+", re.ASCII)
_TEXT_SUBTYPES = frozenset({
    "json", "xml", "javascript", "ecmascript", "yaml", "x-yaml", "toml", "csv", "graphql", "x-www-form-urlencoded",
})  # fmt: skip
_BINARY = ("image/", "audio/", "video/", "font/")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type in lower case, empty where there is none, and the charset's label."""

    name: str = ""
    charset: str | None = None

    @property
    def _suffix(self) -> str:
        return self.name.partition("/")[2].rpartition("+")[2]

    @property
    def is_json(self) -> bool:
        """Whether it promises JSON."""
        return self.name.endswith(("/json", "+json"))

    @property
    def is_xml(self) -> bool:
        """Whether it promises XML (RFC 7303), which may declare its encoding itself."""
        return self._suffix == "xml"

    @property
    def is_text(self) -> bool:
        """Whether it promises text."""
        return self.name.startswith("text/") or self._suffix in _TEXT_SUBTYPES

    @property
    def is_binary(self) -> bool:
        """Whether it promises something else than text."""
        return self.name.startswith(_BINARY) and not self.is_text


@lru_cache(maxsize=128)
def media_type_of(content_type: str | None) -> MediaType:
    """Return what the header says. Of several types the last valid one counts; it keeps the charset of an equal one."""
    found = MediaType()
    for one in _ONE_TYPE.findall((content_type or "")[:_LONGEST]):
        name = one.partition(";")[0].strip().lower()
        if _NAME.fullmatch(name) and name != "*/*":
            charset = _charset_in(one)
            found = MediaType(name, charset or (found.charset if name == found.name else None))
    return found


def _charset_in(one: str) -> str | None:
    for name, value in _PARAMETER.findall(one):
        if name.lower() == "charset":
            text = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value.strip(" \t'")
            return text.strip() or None
    return None
