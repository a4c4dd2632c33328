"""Regular expressions that users write, on RE2: safe on hostile input.

RE2 needs time linear in the text. But while it compiles, every thread of the process waits (the GIL), and a compiled
expression can be large. So the compiled size is limited, and a search by the compiled size times the text. `effort`
counts all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import re2

from steprunners.budgets.effort import check, spend_on, tick
from steprunners.masking.known_secrets import reason_about

MAX_PATTERN = 1_000
#: The memory of RE2 for an expression and its search, in bytes. Larger expressions are refused within 5 ms, others
#: compiled within 10 ms (measured). With RE2's default of 8 MiB both take up to 130 ms.
MAX_MEMORY = 512 * 1024
#: The instructions of an expression times the bytes that it searches: RE2 takes at most 5 ns for each (measured).
MAX_SEARCH = 500_000_000
#: How many instructions an expression counts that is refused as too large: as many as the largest accepted one.
_REFUSED_INSTRUCTIONS = 30_000
#: A search below this size takes less than a millisecond.
_SHORT_SEARCH = 100_000


class PatternError(Exception):
    """The pattern cannot be used: its syntax is wrong, it is too long, or it needs too much work on a document."""


class PatternTooLarge(PatternError):
    """The compiled expression is larger than MAX_MEMORY."""


class SearchTooLarge(PatternError):
    """The expression is too large for a text of this length."""


class Regex:
    """A compiled RE2 expression. It never matches characters that UTF-8 cannot hold (lone surrogates)."""

    def __init__(self, pattern: str) -> None:
        """Compile; raise PatternError where RE2 refuses the pattern."""
        options = re2.Options()
        options.log_errors = False
        options.never_capture = True  # nobody asks where a group matched
        options.max_mem = MAX_MEMORY
        try:
            self._compiled = re2.compile(pattern.encode(), options)
        except (re2.error, UnicodeEncodeError) as error:
            raise _refused(error, pattern) from error
        self.pattern = pattern
        #: The size of the compiled expression, in RE2 instructions.
        self.instructions: int = self._compiled.programsize

    def search(self, text: str | bytes) -> bool:
        """Whether the expression matches anywhere in `text`; raises SearchTooLarge."""
        return self._compiled.search(self._bounded(text)) is not None

    def fullmatch(self, text: str | bytes) -> bool:
        """Whether the expression matches the whole of `text`; raises SearchTooLarge."""
        return self._compiled.fullmatch(self._bounded(text)) is not None

    def _bounded(self, text: str | bytes) -> bytes:
        raw = _as_bytes(text)
        size = self.instructions * len(raw)
        if size > MAX_SEARCH:
            raise SearchTooLarge(
                f"this regular expression ({self.instructions} instructions of RE2) is too large for a text "
                f"of {len(raw)} bytes: use smaller repetitions and character classes, or a part of the text"
            )
        (check if size > _SHORT_SEARCH else tick)()
        return raw


def _refused(error: Exception, pattern: str) -> PatternError:
    reason = _reason(error)
    if "pattern too large" not in reason:
        return PatternError(f"not a regular expression (RE2 syntax): {reason_about(pattern, reason)}")
    return PatternTooLarge(
        f"this regular expression is too large: compiled by RE2 it takes more than {MAX_MEMORY // 1024} KiB; use "
        "smaller repetitions and character classes (\\p{L} has 600 instructions, and {1,50} repeats it 50 times)"
    )


def _as_bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


_longest: ContextVar[int] = ContextVar("longest", default=MAX_PATTERN)


@contextmanager
def patterns_of_at_most(characters: int) -> Iterator[None]:
    """Refuse longer patterns inside the block. Beyond MAX_PATTERN, the highest limit, the interpreter can crash."""
    token = _longest.set(min(characters, MAX_PATTERN))
    try:
        yield
    finally:
        _longest.reset(token)


def check_length(what: str, text: str) -> None:
    """Raise PatternError where the text of a pattern is too long."""
    if len(text) > _longest.get():
        raise PatternError(
            f"{what} can have at most {_longest.get()} characters, but this one has {len(text)}"
        )


def compile_regex(pattern: str) -> Regex:
    """Return the compiled RE2 expression; raise PatternError where it is not one, or too long."""
    check_length("a regular expression", pattern)
    return _compile(pattern)


def compile_iregexp(pattern: str) -> Regex:
    """Return the compiled I-Regexp (RFC 9485) of JSONPath; raise PatternError as `compile_regex` does.

    RE2 reads it as it is, but for `.`, which in an I-Regexp matches no carriage return either.
    """
    check_length("a regular expression", pattern)
    return _compile(_OF_IREGEXP.sub(lambda match: "[^\\n\\r]" if match[0] == "." else match[0], pattern))


#: An escape, a character class or a dot. A class may begin with "]", which is then no end.
_OF_IREGEXP = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\\\]])*\]|\.", re.DOTALL)


def _compile(pattern: str) -> Regex:
    try:
        regex = _compiled_regex(pattern)
    except PatternTooLarge:
        spend_on(pattern, _REFUSED_INSTRUCTIONS)
        check()
        raise
    spend_on(pattern, regex.instructions)
    tick()
    return regex


#: Each expression takes up to MAX_MEMORY, searches included.
_compiled_regex = lru_cache(maxsize=128)(Regex)
