"""LogQL: builds a query from labels and patterns, and finds selectors that would match every stream.

Loki refuses a selector whose matchers all accept a missing label (`{}`, `{app=~".*"}`, `{app!="x"}`). Here it is
refused before the query is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import re2

from steprunners.errors import BadConfig
from steprunners.masking.known_secrets import shorten
from steprunners.references.functions import text_of
from steprunners.references.quoting import label_literal

LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# A text, a comment, or one character that is neither.
_TOKEN = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|`[^`]*`|#[^\n]*|[^\"`#]", re.DOTALL)
_MATCHER = re.compile(
    r"\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*(?P<operator>=~|!~|!=|=)\s*(?P<text>\"(?:\\.|[^\"\\\n])*\"|`[^`]*`)\s*,?\s*"
)


def build(
    labels: Mapping[str, str | int | float | bool | None], contains: Sequence[str], lacks: Sequence[str]
) -> str:
    """Return the query for lines with these labels that contain every text of `contains` and none of `lacks`.

    Raises BadConfig for an invalid label name, or where no label has a value.
    """
    for name in labels:
        if not LABEL_NAME.match(name):
            raise BadConfig(
                f"meta.labels: '{shorten(name, 80)}' is not a valid label name (letters, digits and _)"
            )
    texts = {name: text_of(value) for name, value in labels.items() if value is not None}
    if not any(texts.values()):
        raise BadConfig("meta.labels: give at least one label a value, or every line in Loki would match")
    selector = ", ".join(f"{name}={label_literal(text)}" for name, text in texts.items())
    filters = [f" |= {label_literal(text)}" for text in contains] + [
        f" != {label_literal(text)}" for text in lacks
    ]
    return f"{{{selector}}}{''.join(filters)}"


def check_selectors(query: str) -> None:
    """Raise BadConfig where a selector of the query would match everything; Loki itself refuses invalid queries."""
    for selector in _selectors(query):
        if not _narrows(selector):
            raise BadConfig(
                f"meta.query: the selector {{{shorten(selector.strip(), 200)}}} matches every stream of Loki: "
                'give a label a value, as in {app="shop"}'
            )


def _selectors(query: str) -> Iterator[str]:
    """Yield the texts between braces, without those inside quotes and comments."""
    inside: list[str] | None = None
    for match in _TOKEN.finditer(query):
        piece = match[0]
        if piece == "{":
            inside = []
        elif piece == "}" and inside is not None:
            yield "".join(inside)
            inside = None
        elif inside is not None and not piece.startswith("#"):
            inside.append(piece)


def _narrows(selector: str) -> bool:
    """Whether at least one matcher needs a label (or the matchers cannot be parsed)."""
    position = 0
    while position < len(selector) and not selector[position:].isspace():
        match = _MATCHER.match(selector, position)
        if match is None or not _accepts_nothing(match["operator"], match["text"]):
            return True
        position = match.end()
    return False


def _accepts_nothing(operator: str, quoted: str) -> bool:
    """Whether the matcher accepts a missing label, whose value counts as empty."""
    text = quoted[1:-1]
    if operator in ("=", "!="):
        return (text == "") == (operator == "=")
    pattern = text if quoted[0] == "`" else re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
    try:
        matches = re2.fullmatch(pattern, "") is not None
    except re2.error:
        return False  # Loki explains best what is wrong with it
    return matches == (operator == "=~")
