"""LogQL: a query built from labels and patterns, and whether a selector would match every stream there is.

Loki refuses a selector all of whose matchers accept a missing label (`{}`, `{app=~".*"}`, `{app!="x"}`), after it took
the query; the same is told here before anything is sent.
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
    """Return the query for lines of the labels that hold every text of `contains` and none of `lacks`.

    Raises BadConfig for a name that is no label's, or where no label has a value.
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
    """Raise BadConfig where a selector of the query would match everything; what cannot be read is left to Loki."""
    for selector in _selectors(query):
        if not _narrows(selector):
            raise BadConfig(
                f"meta.query: the selector {{{shorten(selector.strip(), 200)}}} matches every stream of Loki: "
                'give a label a value, as in {app="shop"}'
            )


def _selectors(query: str) -> Iterator[str]:
    """Yield what stands between the braces that are in no text and no comment."""
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
    """Whether one of the matchers at least asks for a label that is there (or whether that cannot be told)."""
    position = 0
    while position < len(selector) and not selector[position:].isspace():
        match = _MATCHER.match(selector, position)
        if match is None or not _accepts_nothing(match["operator"], match["text"]):
            return True
        position = match.end()
    return False


def _accepts_nothing(operator: str, quoted: str) -> bool:
    """Whether the matcher holds for a label that is not there, whose value counts as empty."""
    text = quoted[1:-1]
    if operator in ("=", "!="):
        return (text == "") == (operator == "=")
    pattern = text if quoted[0] == "`" else re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
    try:
        matches = re2.fullmatch(pattern, "") is not None
    except re2.error:
        return False  # Loki says best what is wrong with it
    return matches == (operator == "=~")
