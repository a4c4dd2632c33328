"""Parse JSON and YAML bodies into JSON values, strictly.

These are refused, with their place: duplicate keys, NaN and infinity, keys that are not text, lone surrogates, more
than MAX_DEPTH levels or MAX_NODES values (with YAML's aliases expanded), bodies larger than `MAX_REQUEST_BYTES`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from math import inf
from typing import Any, NoReturn

from django.conf import settings

from flows.problems import FlowInvalid, Place, Problem, invalid, problem_at
from flows.yaml.text import read_yaml
from steprunners.budgets.effort import READ_PER_SECOND, TooMuchWork, expect, tick, working
from steprunners.json_types import Json
from steprunners.values.json_text import exact_float

MAX_DEPTH = 100
MAX_NODES = 300_000
_YAML_TYPES = frozenset(
    {"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "application/vnd.yaml"}
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def is_yaml(content_type: str) -> bool:
    """Whether the content type is one of YAML's."""
    return content_type.partition(";")[0].strip().lower() in _YAML_TYPES


def parse_body(body: bytes, content_type: str = "application/json") -> dict[str, Json]:
    """Return the one object in the body; raise FlowInvalid if it is not one."""
    documents = parse_documents(body, content_type)
    if len(documents) != 1:
        raise invalid("parse_error", f"expected one document, found {len(documents)}")
    if not isinstance(documents[0], dict):
        raise invalid("not_an_object", "a flow is an object with name and steps")
    return documents[0]


def parse_documents(body: bytes, content_type: str = "application/json") -> list[Json]:
    """Return every document of the body: YAML may hold several, JSON holds one. Raises FlowInvalid."""
    if len(body) > settings.MAX_REQUEST_BYTES:
        raise invalid("too_large", f"the document is larger than {settings.MAX_REQUEST_BYTES} bytes")
    try:
        with working(processor=inf):
            expect(len(body) / READ_PER_SECOND)
            return _documents(_decode(body), content_type)
    except TooMuchWork as error:
        raise invalid("too_much_work", f"this takes too much work to read: {error}") from error


def _documents(text: str, content_type: str) -> list[Json]:
    documents = (
        read_yaml(text, max_nodes=MAX_NODES, max_depth=MAX_DEPTH)
        if is_yaml(content_type)
        else [_read_json(text)]
    )
    for document in documents:
        check_tree(document)
    return documents


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid("parse_error", f"the document is not UTF-8 text (byte {error.start})") from error


# --- JSON -----------------------------------------------------------------------------------------


def _read_json(text: str) -> Json:
    try:
        value: Json = json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=exact_float
        )
    except json.JSONDecodeError as error:
        message = f"line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}"
        raise invalid("parse_error", message) from error
    except RecursionError as error:
        raise _too_deep(()) from error
    except ValueError as error:  # an integer of more digits than Python reads
        raise invalid("parse_error", "a number has too many digits") from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise invalid("duplicate_key", f"the key '{twice[:80]}' appears twice in one object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise invalid("parse_error", f"{name} is not a JSON number")


# --- both -----------------------------------------------------------------------------------------


def check_tree(value: Any) -> None:
    """Raise FlowInvalid if the value is not JSON, or is too deep or too large."""
    problems: list[Problem] = []
    waiting: list[tuple[Place, Any]] = [((), [value])]  # containers alone: most values are none
    count = 0
    while waiting:
        above, container = waiting.pop()
        count += len(container)
        if count > MAX_NODES:
            raise invalid("too_large", f"the document holds more than {MAX_NODES} values")
        if len(above) > MAX_DEPTH and container:
            raise _too_deep(above[1:])
        problems += _problems_in(container, above, waiting)
    if problems:
        raise FlowInvalid(problems)


def _problems_in(container: Any, above: Place, waiting: list[tuple[Place, Any]]) -> Iterator[Problem]:
    """Yield what is no JSON in it; the containers inside are put to those that wait, whose first key is of no use."""
    is_object = isinstance(container, dict)
    for key, each in container.items() if is_object else enumerate(container):
        tick()
        if is_object and not _is_text(key):
            yield _bad_key(above[1:], key)
        if isinstance(each, dict | list):
            waiting.append(((*above, key), each))
        elif not _is_scalar(each):
            yield problem_at((*above, key)[1:], "not_json", f"{each!r:.60} is not a JSON value")


def _is_scalar(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, (bool, int)) or _is_text(value)


def _is_text(value: Any) -> bool:
    # A lone surrogate is half a character: neither YAML nor UTF-8 can hold it.
    return isinstance(value, str) and (value.isascii() or not _LONE_SURROGATE.search(value))


def _bad_key(place: Place, key: Any) -> Problem:
    return problem_at(place, "not_json", f"the key {key!r:.60} is not text: write it in quotes")


def _too_deep(place: Place) -> FlowInvalid:
    # The whole place would be a hundred keys long and help nobody.
    return invalid("too_deep", f"the document is nested more than {MAX_DEPTH} levels deep", place[:6])
