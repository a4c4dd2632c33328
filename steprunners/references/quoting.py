"""How a substituted value is written where the text around it has its own grammar."""

from __future__ import annotations

import enum
import json
import math
import re

import re2

from steprunners.json_types import Json
from steprunners.references.errors import UnsafeValue
from steprunners.references.functions import text_of


class Grammar(enum.Enum):
    """The grammar of a text in which references are substituted.

    - PLAIN: none; a string that is exactly one reference keeps the value's JSON type
    - URL: percent-encoding by position (`url_quoting`)
    - HEADER: CR, LF and NUL are refused
    - JSONPATH: a value becomes a literal of its JSON type, or after a dot a name; inside quotes it is escaped
    - PATH: the path of a `field` or an `extract`: as JSONPATH, or segments, where a value is a name or an index
    - LABEL: LogQL and PromQL; inside quotes escaped, outside only numbers, durations and identifiers
    - REGEX: RE2; special characters are escaped
    - SQL: references are refused; values go through `parameters`

    In all grammars except PLAIN the outcome is text. In JSONPATH, PATH, LABEL and REGEX a text that is exactly one
    reference is the value unchanged: the value is the whole query.
    """

    PLAIN = "plain"
    URL = "url"
    HEADER = "header"
    JSONPATH = "jsonpath"
    PATH = "path"
    LABEL = "label"
    REGEX = "regex"
    SQL = "sql"


def no_reference_in_query(text: str) -> str:
    """Return the message for the reference `text` in SQL: it is refused, and what to write instead."""
    return f"{text} cannot be used in a query: write :name and give the value in parameters"


def header_text(value: Json) -> str:
    """Return the value for a header; raise UnsafeValue for CR, LF and NUL, which would start a new header."""
    text = text_of(value)
    if re.search(r"[\r\n\0]", text):
        raise UnsafeValue("a header cannot contain a line break or NUL")
    return text


def regex_text(value: Json) -> str:
    """Return an RE2 expression that matches exactly the value."""
    try:
        escaped: str = re2.escape(text_of(value))
    except UnicodeEncodeError as error:
        raise UnsafeValue("the text contains half a character (a lone surrogate)") from error
    return escaped


# --- JSONPath -------------------------------------------------------------------------------------


def jsonpath_literal(value: Json) -> str:
    """Return an RFC 9535 literal; raise UnsafeValue for objects, arrays and numbers that JSON does not have."""
    if isinstance(value, str):
        return "'" + _escape_jsonpath(value, quote="'") + "'"
    if isinstance(value, (dict, list)) or (isinstance(value, float) and not math.isfinite(value)):
        raise UnsafeValue("a JSONPath filter compares with text, numbers, booleans and null only")
    return text_of(value)


def _escape_jsonpath(text: str, *, quote: str) -> str:
    # JSON's escapes are RFC 9535's, but for the quote in use; surrogate pairs would be read as pairs again.
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    return escaped if quote == '"' else escaped.replace('\\"', '"').replace("'", "\\'")


def jsonpath_text(value: Json, before: str) -> str:
    """Return the value for a JSONPath whose text so far is `before`: escaped inside quotes, else a literal."""
    quote = open_quote(before, quotes="'\"", comment="")
    return _escape_jsonpath(text_of(value), quote=quote) if quote else jsonpath_literal(value)


# --- LogQL and PromQL -----------------------------------------------------------------------------

_SAFE_BARE = re.compile(r"[A-Za-z0-9_:.]+|-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def label_literal(value: Json) -> str:
    """Return the value in double quotes, escaped as LogQL and PromQL (Go) read it."""
    return '"' + _escape_go(text_of(value), quote='"') + '"'


def label_text(value: Json, before: str) -> str:
    """Return the value for a LogQL or PromQL text whose part so far is `before`.

    Inside double or single quotes it is escaped, inside backticks it must hold none, and outside it must be a
    number, a duration or an identifier; otherwise UnsafeValue is raised.
    """
    text = text_of(value)
    quote = open_quote(before, quotes="\"'`", comment="#")
    if quote == "`":
        if "`" in text:
            raise UnsafeValue(
                'the value contains a backtick, which cannot be written inside backticks; use "…"'
            )
        return text
    if quote:
        return _escape_go(text, quote=quote)
    if not _SAFE_BARE.fullmatch(text):
        raise UnsafeValue(
            'outside quotes the value must be a number, a duration or an identifier; write "${…}"'
        )
    return text


def _escape_go(text: str, *, quote: str) -> str:
    text = text.replace("\\", "\\\\").replace(quote, "\\" + quote).replace("\n", "\\n")
    return re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\x{ord(match[0]):02x}", text)


def open_quote(text: str, *, quotes: str, comment: str) -> str:
    """Return the quote that is open at the end of `text`, or ""; backslashes escape, but not inside backticks."""
    opened, position = "", 0
    while position < len(text):
        character = text[position]
        if opened:
            position += character == "\\" and opened != "`"
            opened = "" if character == opened else opened
        elif character in quotes:
            opened = character
        elif character == comment:
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
        position += 1
    return opened
