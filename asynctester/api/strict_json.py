"""JSON as RFC 8259 and the database mean it: what could not be stored is refused here, with its place."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.parsers import (  # type: ignore[attr-defined]  # the stubs lack get_encoding
    JSONParser,
    get_encoding,
)

from resources.limits.effective import check_request_size
from steprunners.budgets.effort import READ_PER_SECOND, expect, tick, working
from steprunners.values.json_text import finite_float, refuse_constant

#: Levels of lists and objects: far above what a flow needs, far below what recursion can take.
MAX_DEPTH = 100


class StrictJSONParser(JSONParser):
    """Parses JSON; refuses NaN, infinities, NUL characters, lone surrogates and deep nesting with a 400."""

    def parse(
        self,
        stream: IO[bytes],
        _media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the value of the request's body.

        Raises RequestDataTooBig where it is larger than the user's organisations allow, ParseError where it is not
        JSON, ValidationError at the place of a text that cannot be stored.
        """
        context = parser_context or {}
        body = stream.read()
        check_request_size(len(body), context.get("request"))
        with working(processor=math.inf):
            expect(len(body) / READ_PER_SECOND)
            return loads(body, get_encoding(context))


def loads(body: bytes, encoding: str = "utf-8") -> Any:
    """Return the JSON value in `body`; raises ParseError or ValidationError as the parser does."""
    try:
        value = json.loads(body.decode(encoding), parse_constant=refuse_constant, parse_float=finite_float)
    except RecursionError:
        raise ParseError(f"JSON parse error - nested deeper than {MAX_DEPTH} levels.") from None
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, an integer of more than 4300 digits
        raise ParseError(f"JSON parse error - {error}") from None
    problems = {place: [ErrorDetail(text, "invalid")] for place, text in _unstorable(value)}
    if problems:
        raise ValidationError(problems)
    return value


def _unstorable(document: Any) -> Iterator[tuple[str, str]]:
    """Yield the place and the trouble of every text that PostgreSQL or UTF-8 would refuse."""
    waiting: list[tuple[str, Any, int]] = [("", [document], 0)]
    while waiting:  # a loop, since the document may be as deep as the parser lets through
        tick()
        place, container, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ParseError(f"JSON parse error - nested deeper than {MAX_DEPTH} levels.")
        for step, value in _entries(container):
            tick()
            trouble = _trouble(step) or _trouble(value)
            if trouble:
                yield _below(place, step), trouble
            if isinstance(value, dict | list):
                waiting.append((_below(place, step) if depth else "", value, depth + 1))


def _entries(container: Any) -> Iterable[tuple[str | int, Any]]:
    return container.items() if isinstance(container, dict) else enumerate(container)


def _trouble(text: Any) -> str | None:
    """Return why the value, where it is a text, cannot be stored; None where it can."""
    if not isinstance(text, str) or (text.isascii() and "\0" not in text):
        return None
    if "\0" in text:
        return "Null characters are not allowed."
    try:
        text.encode()
    except UnicodeEncodeError:
        return "Unpaired surrogates are not allowed."
    return None


def _below(place: str, step: str | int) -> str:
    shown = str(step).replace("\0", "\\u0000").encode(errors="backslashreplace").decode()
    return f"{place}.{shown}" if place else shown
