"""Finds texts that a document must contain for a JSONPath query to select anything: most messages need no parsing.

`$[?@.id == "42" && @.kind == "paid"]` selects nothing in a document without the text `42` or without the text `paid`.
A text is unchanged in a JSON document, unless it is written with escapes, or the document is not UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterator

from jsonpath_rfc9535 import JSONPathQuery
from jsonpath_rfc9535.filter_expressions import (
    ComparisonExpression,
    Expression,
    FilterQuery,
    LogicalExpression,
    StringLiteral,
)
from jsonpath_rfc9535.selectors import FilterSelector

from steprunners.values.jsonpath import JsonPath


def required_texts(path: JsonPath) -> list[bytes]:
    """Return the texts, in UTF-8, that every document contains in which the query selects something."""
    texts = [text.encode("utf-8", "surrogatepass") for text in _of_query(path.query)]
    return [text for text in texts if text]


def may_hold(raw: bytes, texts: list[bytes]) -> bool:
    """Whether the document may contain all of the texts; False is certain."""
    return all(text in raw for text in texts) or b"\\" in raw or b"\0" in raw


def _of_query(query: JSONPathQuery) -> Iterator[str]:
    for segment in query.segments:
        if len(segment.selectors) == 1 and isinstance(segment.selectors[0], FilterSelector):
            yield from _of_expression(segment.selectors[0].expression.expression)


def _of_expression(expression: Expression) -> Iterator[str]:
    """Yield the texts in comparisons that must all hold for the whole expression to hold."""
    if isinstance(expression, LogicalExpression) and expression.operator == "&&":
        yield from _of_expression(expression.left)
        yield from _of_expression(expression.right)
    elif isinstance(expression, ComparisonExpression) and expression.operator == "==":
        sides = (expression.left, expression.right)
        if any(isinstance(side, FilterQuery) for side in sides):
            yield from (str(side.value) for side in sides if isinstance(side, StringLiteral))
