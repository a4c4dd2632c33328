"""Patterns that users write: regular expressions (RE2) and JSONPath (RFC 9535), both safe on hostile input.

RE2 needs time linear in the text. But while it compiles, every thread of the process waits (the GIL), and a compiled
expression can be large. So the compiled size is limited, and a search by the compiled size times the text. The nodes
of a JSONPath query can multiply (`$..*..*`), so they are limited. `effort` counts all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import cast

import re2
from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError, JSONPathNode, JSONPathQuery, Parser
from jsonpath_rfc9535.filter_expressions import (
    Expression,
    IntegerLiteral,
    RelativeFilterQuery,
    RootFilterQuery,
)
from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction
from jsonpath_rfc9535.tokens import TokenStream

from steprunners.budgets.effort import check, spend_on, tick
from steprunners.json_types import Json
from steprunners.masking.known_secrets import reason_about

MAX_PATTERN = 1_000
MAX_NODES = 1_000_000
MAX_DEPTH = 300
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


def _check_length(what: str, text: str) -> None:
    if len(text) > _longest.get():
        raise PatternError(
            f"{what} can have at most {_longest.get()} characters, but this one has {len(text)}"
        )


def compile_regex(pattern: str) -> Regex:
    """Return the compiled RE2 expression; raise PatternError where it is not one, or too long."""
    _check_length("a regular expression", pattern)
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


# --- JSONPath -------------------------------------------------------------------------------------


class _BudgetSpent(Exception):
    pass


class _Budget:
    """How many nodes one `select` may still visit, including those of queries inside its filters."""

    def __init__(self) -> None:
        self.left = MAX_NODES

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _BudgetSpent
        tick()


_budget: ContextVar[_Budget] = ContextVar("budget")


class _Node(JSONPathNode):
    """A node that counts against the budget of its query."""

    __slots__ = ("budget",)

    def __init__(self, value: object, root: object, budget: _Budget) -> None:
        # The normalised path is never asked for, and building it makes deep documents cost O(depth²).
        super().__init__(value=value, location=(), parent=None, root=cast("dict[str, object]", root))
        self.budget = budget

    def new_child(self, value: object, _key: int | str, _parent: JSONPathNode | None) -> JSONPathNode:
        self.budget.spend()
        return _Node(value, self.root, self.budget)


class _Query(JSONPathQuery):
    """A query, also one inside a filter, whose nodes are counted."""

    __slots__ = ()

    def finditer(self, value: object) -> Iterable[JSONPathNode]:
        budget = _budget.get()
        budget.spend()
        nodes: Iterable[JSONPathNode] = [_Node(value, value, budget)]
        for segment in self.segments:
            nodes = segment.resolve(nodes)
        return nodes


class _Parser(Parser):
    """Makes counted queries, and reads integers exactly: the library converts them to float and loses 2⁵³ + 1."""

    def parse_root_query(self, stream: TokenStream) -> Expression:
        return RootFilterQuery(token=stream.next_token(), query=self._query(stream))

    def parse_relative_query(self, stream: TokenStream) -> Expression:
        return RelativeFilterQuery(token=stream.next_token(), query=self._query(stream))

    def parse_integer_literal(self, stream: TokenStream) -> Expression:
        literal = super().parse_integer_literal(stream)
        text = stream.current.value
        return IntegerLiteral(stream.current, value=int(text)) if text.lstrip("-").isdigit() else literal

    def _query(self, stream: TokenStream) -> JSONPathQuery:
        return _Query(env=self.env, segments=tuple(self.parse_query(stream, in_filter=True)))


class _RegexFunction(FilterFunction):
    """The functions `match` (whole text) and `search` (anywhere), on RE2 instead of a backtracking engine."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]
    return_type = ExpressionType.LOGICAL

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole

    def __call__(self, text: object, pattern: object) -> bool:
        if not isinstance(text, str) or not isinstance(pattern, str):
            return False
        try:
            regex = compile_regex(pattern)
            return regex.fullmatch(text) if self._whole else regex.search(text)
        except SearchTooLarge:
            raise
        except PatternError:
            return False  # RFC 9535: a pattern that is not one makes the test false


class _Environment(JSONPathEnvironment):
    parser_class = _Parser
    max_recursion_depth = MAX_DEPTH

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _RegexFunction(whole=True)
        self.function_extensions["search"] = _RegexFunction(whole=False)


_ENVIRONMENT = _Environment()


class JsonPath:
    """A compiled JSONPath query."""

    def __init__(self, text: str) -> None:
        """Compile; raise PatternError where it is not a query."""
        try:
            self.query = _Query(env=_ENVIRONMENT, segments=_ENVIRONMENT.compile(text).segments)
        except (JSONPathError, RecursionError, OverflowError, ValueError) as error:
            reason = "too deeply nested" if isinstance(error, RecursionError) else str(error)
            raise PatternError(f"not a JSONPath query (RFC 9535): {reason_about(text, reason)}") from error
        self.text = text
        #: Whether the query can select at most one node.
        self.is_singular = self.query.singular_query()

    def select(self, value: Json) -> list[Json]:
        """Return the values of the nodes that the query selects, in order.

        Raises PatternError where the document is nested too deeply or the query visits more than a million nodes,
        and what `effort` raises.
        """
        token = _budget.set(_Budget())
        try:
            return [cast("Json", node.value) for node in self.query.finditer(value)]
        except (JSONPathError, RecursionError) as error:
            raise PatternError(f"the document is nested too deeply for {self.text}") from error
        except _BudgetSpent as error:
            raise PatternError(f"{self.text} visits more than {MAX_NODES} nodes of this document") from error
        finally:
            _budget.reset(token)


def compile_jsonpath(text: str) -> JsonPath:
    """Return the compiled query; raise PatternError where it is not RFC 9535, or too long."""
    _check_length("a JSONPath", text)
    check()
    return _compiled_jsonpath(text)


_compiled_jsonpath = lru_cache(maxsize=512)(JsonPath)
