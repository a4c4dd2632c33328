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
    COMMA = "comma"
    LEFT = "left"
    RIGHT = "right"
    LEFT_BRACKET = "left_bracket"
    RIGHT_BRACKET = "right_bracket"
    SPACE = "space"
    RUNNING_COMMENT = "running_comment"
    ESCAPED_NAME = "escaped_name"
    OPEN = "open"


@dataclass(frozen=True)
class Token:
    """A piece of the statement."""

    kind: Kind
    text: str

    def is_word(self, *words: str) -> bool:
        """Whether it is one of the words, which are in upper case."""
        return self.kind is Kind.WORD and self.text.upper() in words


@dataclass(frozen=True)
class Lexicon:
    """The lexical rules of one database."""

    pattern: re.Pattern[str]
    nested_comments: bool = False


_SHARED = {
    Kind.SEMICOLON: r";",
    Kind.COMMA: r",",
    Kind.LEFT: r"\(",
    Kind.RIGHT: r"\)",
    Kind.LEFT_BRACKET: r"\[",
    Kind.RIGHT_BRACKET: r"\]",
    # A cast, an assignment, or what is no name after the colon (a slice such as [1:2]).
    Kind.TEXT: r"::|:=|\d[\w.]*",
    # `bind_end` finds its end: a regular expression has no class for the accents of Unicode.
    Kind.BIND: r":[^\W\d](?:\w|[^\x00-\x7f])*",
    Kind.WORD: r"[^\W\d][\w$]*",
}


def bind_end(text: str) -> int:
    """Return how much of a BIND is the bind: the colon and the longest identifier (Unicode UAX 31); 0 for none."""
    end = len(text)
    while end > 1 and not text[1:end].isidentifier():
        end -= 1
    return end if end > 1 else 0


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
