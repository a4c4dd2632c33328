"""Parses one SQL statement into its text, its binds, and the words that say what it does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from steprunners.clients.sql.binds import Bind, InList, Part, parts_of
from steprunners.clients.sql.lexicon import Kind, Lexicon, Token, bind_end
from steprunners.errors import BadConfig

#: After WITH …: what the statement does.
_MAIN_VERBS = frozenset({"SELECT", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})
#: The longest statement, in characters, that is kept when it is parsed.
_MAX_REMEMBERED = 4_000
_COMMENT_EDGE = re.compile(r"/\*|\*/")


@dataclass(frozen=True)
class Statement:
    """The statement without its final `;`.

    `verb` is its first word in upper case, or the main one after WITH; `words` are all its unquoted words in upper
    case, each with the number of parentheses around it.
    """

    parts: tuple[Part, ...]
    verb: str
    words: tuple[tuple[str, int], ...]

    @property
    def binds(self) -> tuple[str, ...]:
        """The names of the binds, each once, in their order."""
        return tuple(dict.fromkeys(part.name for part in self._flat if isinstance(part, Bind)))

    @property
    def _flat(self) -> Iterator[str | Bind]:
        for part in self.parts:
            yield from part.parts if isinstance(part, InList) else (part,)

    @property
    def first_word(self) -> str:
        """The first word in upper case."""
        return self.words[0][0]

    def has(self, *words: str) -> bool:
        """Whether one of the words (in upper case) stands anywhere outside quotes."""
        return any(word in words for word, _ in self.words)

    @property
    def writes(self) -> bool:
        """Whether a word of the statement, or of a query inside it, is one that changes rows."""
        return any(word in _WRITES for word, _ in self.words)


def parse_statement(query: str, lexicon: Lexicon) -> Statement:
    """Return the one statement of `query`; raise BadConfig for none, several, or an open quote."""
    return (_remembered if len(query) <= _MAX_REMEMBERED else _parsed)(query, lexicon)


def _parsed(query: str, lexicon: Lexicon) -> Statement:
    tokens = list(_one_statement(_tokens(query, lexicon)))
    words = tuple(_words(tokens))
    if not words:
        raise BadConfig("meta.query contains no statement")
    return Statement(tuple(parts_of(tokens)), _verb(words), words)


# A step runs again and again: in loops, in every run of its flow.
_remembered = lru_cache(maxsize=256)(_parsed)


def _tokens(query: str, lexicon: Lexicon) -> Iterator[Token]:
    position = 0
    while position < len(query):
        end = _end_of_comment(query, position) if lexicon.nested_comments else None
        if end is not None:
            yield Token(Kind.SPACE, query[position:end])
            position = end
            continue
        match = lexicon.pattern.match(query, position)
        assert match is not None  # noqa: S101 - the last rule takes any character
        # Inner groups have other names; the group of the rule closes last.
        token = _token(_kind(str(match.lastgroup)), match[0])
        _refuse(token, query, position)
        yield token
        position += len(token.text)


def _token(kind: Kind, text: str) -> Token:
    if kind is not Kind.BIND:
        return Token(kind, text)
    end = bind_end(text)
    return Token(kind, text[:end]) if end else Token(Kind.TEXT, ":")


@cache
def _kind(group: str) -> Kind:
    return Kind(group.rpartition("_")[0])


def _end_of_comment(query: str, start: int) -> int | None:
    """Return the end of the comment that starts here; None where none starts or it has no end."""
    if not query.startswith("/*", start):
        return None
    depth = 0
    for edge in _COMMENT_EDGE.finditer(query, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return None


_REFUSALS = {
    Kind.OPEN: "{} is opened and never closed",
    Kind.RUNNING_COMMENT: "the comment {} would run as SQL: remove its exclamation mark",
    Kind.ESCAPED_NAME: 'a backslash inside "…": put text into single quotes',
}


def _refuse(token: Token, query: str, position: int) -> None:
    if token.kind in _REFUSALS:
        line = query.count("\n", 0, position) + 1
        raise BadConfig(f"meta.query, line {line}: {_REFUSALS[token.kind].format(token.text)}")


def _one_statement(tokens: Iterator[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.kind is Kind.SEMICOLON:
            break
        yield token
    if any(token.kind not in (Kind.SEMICOLON, Kind.SPACE) for token in tokens):
        raise BadConfig("meta.query contains more than one statement: a step runs only one")


def _words(tokens: list[Token]) -> Iterator[tuple[str, int]]:
    depth = 0
    for token in tokens:
        if token.kind is Kind.WORD:
            yield token.text.upper(), depth
        depth += (token.kind is Kind.LEFT) - (token.kind is Kind.RIGHT)


def _verb(words: tuple[tuple[str, int], ...]) -> str:
    if words[0][0] != "WITH":
        return words[0][0]
    return next((word for word, depth in words if depth == 0 and word in _MAIN_VERBS), "WITH")
