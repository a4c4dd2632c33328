"""JSONPath (RFC 9535) that users write: safe on hostile input, and with exact numbers.

The nodes of a query can multiply (`$..*..*`), so they are limited, and `effort` counts them. Regular expressions in
filters run on RE2.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, cast

from jsonpath_rfc9535 import (
    JSONPathEnvironment,
    JSONPathError,
    JSONPathNode,
    JSONPathNodeList,
    JSONPathQuery,
    Parser,
)
from jsonpath_rfc9535.filter_expressions import (
    ComparisonExpression,
    Expression,
    FilterContext,
    FloatLiteral,
    IntegerLiteral,
    RelativeFilterQuery,
    RootFilterQuery,
)
from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction
from jsonpath_rfc9535.segments import JSONPathChildSegment
from jsonpath_rfc9535.selectors import IndexSelector, NameSelector
from jsonpath_rfc9535.tokens import TokenStream

from steprunners.budgets.effort import check, tick
from steprunners.json_types import Json
from steprunners.masking.known_secrets import reason_about
from steprunners.values.json_text import exact_float
from steprunners.values.numbers import numbers_of
from steprunners.values.patterns import PatternError, SearchTooLarge, check_length, compile_iregexp

MAX_NODES = 1_000_000
MAX_DEPTH = 300


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


class _Comparison(ComparisonExpression):
    """Compares numbers exactly, and a decimal of an `sql` result as the number that it is."""

    __slots__ = ()

    def evaluate(self, context: FilterContext) -> bool:
        left, right = (_single(each.evaluate(context)) for each in (self.left, self.right))
        numbers = numbers_of(left, right)
        if numbers is not None:
            return _COMPARE[self.operator](*numbers)
        if self.operator in ("==", "!=") and isinstance(left, (dict, list)):
            return _same(left, right) == (self.operator == "==")
        return super().evaluate(context)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _single(found: Any) -> Any:
    return found[0].value if isinstance(found, JSONPathNodeList) and len(found) == 1 else found


def _same(left: Any, right: Any) -> bool:
    tick()
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(each, right[key]) for key, each in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    numbers = numbers_of(left, right)
    if numbers is not None:
        return bool(numbers[0] == numbers[1])
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


class _Parser(Parser):
    """Makes counted queries, and reads numbers exactly: the library converts them to float and loses 2⁵³ + 1."""

    def parse_root_query(self, stream: TokenStream) -> Expression:
        return RootFilterQuery(token=stream.next_token(), query=self._query(stream))

    def parse_relative_query(self, stream: TokenStream) -> Expression:
        return RelativeFilterQuery(token=stream.next_token(), query=self._query(stream))

    def parse_integer_literal(self, stream: TokenStream) -> Expression:
        literal = super().parse_integer_literal(stream)
        text = stream.current.value
        return IntegerLiteral(stream.current, value=int(text)) if text.lstrip("-").isdigit() else literal

    def parse_float_literal(self, stream: TokenStream) -> Expression:
        literal = super().parse_float_literal(stream)
        text = stream.current.value
        return (
            FloatLiteral(stream.current, value=exact_float(text)) if math.isfinite(float(text)) else literal
        )

    def parse_infix_expression(self, stream: TokenStream, left: Expression) -> Expression:
        parsed = super().parse_infix_expression(stream, left)
        if not isinstance(parsed, ComparisonExpression):
            return parsed
        return _Comparison(parsed.token, parsed.left, parsed.operator, parsed.right)

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
            regex = compile_iregexp(pattern)
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

    def place_searched(self, value: Json) -> Json:
        """Return what the part of the query that names one place leads to; raise LookupError where that is nothing."""
        for segment in self.query.segments:
            selector = segment.selectors[0] if isinstance(segment, JSONPathChildSegment) else None
            if not isinstance(selector, NameSelector | IndexSelector) or len(segment.selectors) > 1:
                break
            value = _member(value, selector)
        return value

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


def _member(value: Json, selector: NameSelector | IndexSelector) -> Json:
    if isinstance(selector, NameSelector) and isinstance(value, dict):
        return value[selector.name]
    if isinstance(selector, IndexSelector) and isinstance(value, list):
        return value[selector.index]
    raise LookupError


def compile_jsonpath(text: str) -> JsonPath:
    """Return the compiled query; raise PatternError where it is not RFC 9535, or too long."""
    check_length("a JSONPath", text)
    check()
    return _compiled_jsonpath(text)


_compiled_jsonpath = lru_cache(maxsize=512)(JsonPath)
