"""Paths into JSON values: segments (`body.items[0].sku`, `headers['content-type']`) or JSONPath (`$.items[*].sku`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from steprunners.json_types import Json
from steprunners.values.jsonpath import JsonPath, compile_jsonpath
from steprunners.values.patterns import PatternError
from steprunners.values.suggestions import did_you_mean
from steprunners.values.texts import Text, text_itself, text_on_the_way

MAX_PATH = 1_000

_SEGMENT = re.compile(
    r"""
    (?: (?P<dot>\.)? (?P<plain>[^.\[\]'"]+) )
    | \[ \s* (?: (?P<index>-?\d+)
        | '(?P<single>(?:[^'\\]|\\.)*)'
        | "(?P<double>(?:[^"\\]|\\.)*)" ) \s* \]
    """,
    re.VERBOSE | re.DOTALL,
)
_INDEX = re.compile(r"-?(?:0|[1-9][0-9]{0,8})\Z")
_RESPONSE = re.compile(r"response(?=[.\[]|\Z)")


class PathError(Exception):
    """Nothing can be read at a path."""


class PathSyntaxError(PathError):
    """The text is not a path."""


class NoValue(PathError):
    """There is no value at the path; the message says where it ends, and names similar keys."""


class NothingSelected(NoValue):
    """A JSONPath that can select several nodes selects none, in a list or object that is there.

    As a reference it has no value. As what an assertion or condition looks at it is an empty list.
    """


class PathTooCostly(PathError):
    """The document is too deep or too large for this JSONPath."""


Segments = tuple[str, ...]
Path = Segments | JsonPath


@lru_cache(maxsize=4096)
def parse_path(text: str) -> Path:
    """Return the path's segments, or the compiled JSONPath where it begins with "$".

    Raises PathSyntaxError.
    """
    if len(text) > MAX_PATH:
        raise PathSyntaxError(f"a path can have at most {MAX_PATH} characters, but this one has {len(text)}")
    if text.startswith("$"):
        return _parse_jsonpath(text)
    if text.lstrip().startswith("$"):
        raise PathSyntaxError(f"'{text}' is not a valid path: a JSONPath begins with $, not with a space")
    return parse_segments(text)


def parse_segments(text: str) -> Segments:
    """Return the names and indexes of a path that is not JSONPath. Raises PathSyntaxError."""
    return tuple(_segments(text))


def _parse_jsonpath(text: str) -> JsonPath:
    try:
        return compile_jsonpath(text)
    except PatternError as error:
        raise PathSyntaxError(f"{text}: {error}") from error


def _segments(text: str) -> Iterator[str]:
    if not text.strip():
        raise PathSyntaxError("the path is empty")
    position = 0
    while position < len(text):
        match = _SEGMENT.match(text, position)
        if match is None or (match["plain"] is not None and (match["dot"] is None) != (position == 0)):
            raise PathSyntaxError(f"'{text}' is not a valid path: the error is at character {position + 1}")
        yield _name(match)
        position = match.end()


def _name(match: re.Match[str]) -> str:
    quoted = match["single"] if match["single"] is not None else match["double"]
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
    return match["index"] if match["index"] is not None else match["plain"]


def read_path(value: Json, path: str) -> Json:
    """Return the value at `path` in `value`: one JSONPath node gives its value, several give a list.

    Raises NoValue, PathSyntaxError or PathTooCostly.
    """
    parsed = parse_path(path)
    return _select(value, parsed) if isinstance(parsed, JsonPath) else _walk(value, parsed)


def read_result(result: Json, path: str) -> Json:
    """Return the value at `path` in a step's result; `response.x` is `x` of the result, or else of its body.

    Raises as `read_path` does.
    """
    try:
        return read_path(result, path)
    except (NoValue, PathSyntaxError):
        rest = _after_response(path)
        if rest is None:
            raise
    if not rest:
        return result
    try:
        return read_path(result, rest)
    except NoValue:
        if not isinstance(result, dict) or "body" not in result:
            raise
        if isinstance(result["body"], str):
            raise NoValue(
                f"there is no {rest}: {Text(result['body'], result, ('body',)).why('body')}"
            ) from None
        return read_path(result["body"], rest)


def check_path(path: str) -> None:
    """Raise PathSyntaxError where `read_result` could not read `path` in any result."""
    rest = _after_response(path)
    parse_path(rest or path)


def is_singular(path: str) -> bool:
    """Whether the path names one place; a path of segments always does. Raises PathSyntaxError."""
    parsed = parse_path(_after_response(path) or path)
    return parsed.is_singular if isinstance(parsed, JsonPath) else True


def _after_response(path: str) -> str | None:
    match = _RESPONSE.match(path)
    return path[match.end() :].removeprefix(".") if match else None


def selects_one_of_many(value: Json, path: str) -> bool:
    """Whether the path is a JSONPath that can select several nodes of a result, and selects just one of it."""
    try:
        query = parse_path(path)
        return isinstance(query, JsonPath) and not query.is_singular and len(_nodes(value, query)) == 1
    except PathError:
        return False


def _select(value: Json, query: JsonPath) -> Json:
    found = _nodes(value, query)
    if not found:
        nothing = NothingSelected if _is_searched(value, query) else NoValue
        raise nothing(f"{query.text} selects nothing{_text_on_the_way(value, query)}")
    return found[0] if len(found) == 1 else found


def _nodes(value: Json, query: JsonPath) -> list[Json]:
    try:
        return query.select(value)
    except PatternError as error:
        raise PathTooCostly(str(error)) from error


def _is_searched(value: Json, query: JsonPath) -> bool:
    """Whether the query can select several nodes, and the place where it looks for them is a list or an object.

    A query that names a place which is not there (`$.body.itmes[*]`) has no value, as any other wrong path.
    """
    try:
        return not query.is_singular and isinstance(query.place_searched(value), (list, dict))
    except LookupError:
        return False


def _text_on_the_way(value: Json, query: JsonPath) -> str:
    found = text_on_the_way(value, query.query.segments)
    if found is None:
        return ""
    return f": {found.why(show_path(found.place) or 'the value')}"


def _walk(value: Json, segments: Segments) -> Json:
    holder: Json = None
    for depth, segment in enumerate(segments):
        if isinstance(value, dict) and segment in value:
            holder, value = value, value[segment]
        elif isinstance(value, list) and _INDEX.match(segment) and -len(value) <= int(segment) < len(value):
            holder, value = value, value[int(segment)]
        else:
            raise NoValue(_why_not(value, holder, segments[: depth + 1]))
    return value


def _why_not(value: Json, holder: Json, reached: Segments) -> str:
    where, segment = show_path(reached[:-1]), reached[-1]
    if isinstance(value, dict):
        hint = text_itself(value, segment) or did_you_mean(segment, value)
        return f"there is no {show_path(reached)}{hint}"
    if isinstance(value, list):
        return f"there is no {show_path(reached)}: {where or 'the list'} has {len(value)} elements"
    if isinstance(value, str):
        return (
            f"there is no {show_path(reached)}: {Text(value, holder, reached[:-1]).why(where or 'the value')}"
        )
    return f"there is no {show_path(reached)}: {where or 'the value'} is not an object or a list"


_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


def show_path(segments: tuple[str | int, ...]) -> str:
    """Return the path as a user writes it: `body.items[0]['content type']`."""
    text = ""
    for segment in segments:
        if isinstance(segment, int) or _INDEX.match(segment):
            text += f"[{segment}]"
        elif _PLAIN_NAME.match(segment):
            text += f".{segment}" if text else segment
        else:
            escaped = segment.replace("\\", "\\\\").replace("'", "\\'")
            text += f"['{escaped}']"
    return text
