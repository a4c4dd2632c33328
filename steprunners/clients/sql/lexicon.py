"""The lexical rules of the databases for strings, comments and names: enough to find binds and `;`.

Sources: PostgreSQL manual 4.1 (lexical structure), MariaDB and MySQL manuals (literals, comments), SQLite's
tokenizer as documented under "SQL As Understood By SQLite". The rules decide what is a bind and what is a second
statement. They are no security boundary: that is the extended protocol, the missing MULTI_STATEMENTS flag, and
SQLite's own refusal of a second statement.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class Kind(enum.Enum):
    """What a token is. OPEN is a string, comment or name without its end."""

    TEXT = "text"
    WORD = "word"
    BIND = "bind"
    SEMICOLON = "semicolon"
    LEFT = "left"
    RIGHT = "right"
    SPACE = "space"
    RUNNING_COMMENT = "running_comment"
    ESCAPED_NAME = "escaped_name"
    OPEN = "open"


@dataclass(frozen=True)
class Lexicon:
    """The lexical rules of one database."""

    pattern: re.Pattern[str]
    nested_comments: bool = False


_SHARED = {
    Kind.SEMICOLON: r";",
    Kind.LEFT: r"\(",
    Kind.RIGHT: r"\)",
    # A cast, an assignment, or what is no name after the colon (a slice such as [1:2]).
    Kind.TEXT: r"::|:=|\d[\w.]*",
    Kind.BIND: r":[A-Za-z_][A-Za-z0-9_]*",
    Kind.WORD: r"[^\W\d][\w$]*",
}


def _lexicon(rules: list[tuple[Kind, str]], *, nested_comments: bool = False) -> Lexicon:
    whole = [*rules, *_SHARED.items(), (Kind.TEXT, r".")]
    pattern = "|".join(f"(?P<{kind.value}_{number}>{rule})" for number, (kind, rule) in enumerate(whole))
    return Lexicon(re.compile(pattern, re.DOTALL), nested_comments)


_SPACE = (Kind.SPACE, r"\s+")
_QUOTED = (Kind.TEXT, r"'(?:[^']|'')*'")
_DOUBLE_QUOTED = (Kind.TEXT, r'"(?:[^"]|"")*"')
_BACKTICKED = (Kind.TEXT, r"`(?:[^`]|``)*`")
_LINE_COMMENT = (Kind.SPACE, r"--[^\n]*")
_COMMENT = (Kind.SPACE, r"/\*.*?\*/")

POSTGRESQL = _lexicon(
    [
        _SPACE,
        _LINE_COMMENT,
        (Kind.TEXT, r"[eE]'(?:[^'\\]|\\.|'')*'"),
        (Kind.TEXT, r"\$(?P<tag>[^\W\d]\w*|)\$.*?\$(?P=tag)\$"),
        _QUOTED,
        _DOUBLE_QUOTED,
        (Kind.OPEN, r"/\*|[eE]?'|\"|\$(?:[^\W\d]\w*|)\$"),
    ],
    nested_comments=True,
)
MYSQL = _lexicon(
    [
        _SPACE,
        (Kind.SPACE, r"#[^\n]*|--(?=\s|\Z)[^\n]*"),
        (Kind.RUNNING_COMMENT, r"/\*M?!"),
        _COMMENT,
        (Kind.TEXT, r"'(?:[^'\\]|\\.|'')*'"),
        # With ANSI_QUOTES a name in which a backslash is nothing special: what holds one is refused.
        (Kind.ESCAPED_NAME, r'"[^"\\]*\\'),
        _DOUBLE_QUOTED,
        _BACKTICKED,
        (Kind.OPEN, r"/\*|['\"`]"),
    ]
)
SQLITE = _lexicon(
    [
        _SPACE,
        _LINE_COMMENT,
        _COMMENT,
        _QUOTED,
        _DOUBLE_QUOTED,
        _BACKTICKED,
        (Kind.TEXT, r"\[[^\]]*\]"),
        (Kind.OPEN, r"/\*|['\"`\[]"),
    ]
)
