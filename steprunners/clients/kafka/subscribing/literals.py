"""Texts that a document must hold for a JSONPath query to select anything in it: most messages need not be parsed.

`$[?@.id == "42" && @.kind == "paid"]` selects nothing in a document that has no text `42` or no text `paid`. A text of
a JSON document stands in it as it is, unless it is written with escapes, or the document is not in UTF-8.
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

from steprunners.values.patterns import JsonPath


def required_texts(path: JsonPath) -> list[bytes]:
    """Return what every document in which the query selects something holds, in UTF-8."""
    texts = [text.encode("utf-8", "surrogatepass") for text in _of_query(path.query)]
    return [text for text in texts if text]


def may_hold(raw: bytes, texts: list[bytes]) -> bool:
    """Whether the document may hold all of the texts; False is sure."""
    return all(text in raw for text in texts) or b"\\" in raw or b"\0" in raw


def _of_query(query: JSONPathQuery) -> Iterator[str]:
    for segment in query.segments:
        if len(segment.selectors) == 1 and isinstance(segment.selectors[0], FilterSelector):
            yield from _of_expression(segment.selectors[0].expression.expression)


def _of_expression(expression: Expression) -> Iterator[str]:
    """Yield the texts that the document's values are compared with, where the whole fails with any of these."""
    if isinstance(expression, LogicalExpression) and expression.operator == "&&":
        yield from _of_expression(expression.left)
        yield from _of_expression(expression.right)
    elif isinstance(expression, ComparisonExpression) and expression.operator == "==":
        sides = (expression.left, expression.right)
        if any(isinstance(side, FilterQuery) for side in sides):
            yield from (str(side.value) for side in sides if isinstance(side, StringLiteral))
