r"""JSON text as the service stores it: with every digit of a number, and with the mark of a NumberText.

The mark is in the spelling alone. The first character of a NumberText is written as an escape (`"\u00319.90"`), which
no writer of JSON does for a digit or a minus. Every JSON reader gets the same value from it; `loads` also sees the
mark. Nothing that a system under test sends can look like it, because its text is written anew.
"""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from steprunners.values import json_text
from steprunners.values.number_text import NumberText

_LEAVES = frozenset({str, int, bool, float, type(None)})
# Stands for the mark while Python's reader or writer works. No text contains it: it differs in each process.
_PLACE = f"(number {secrets.token_hex(8)})"
_WRITTEN = re.compile(re.escape(f'"{_PLACE}') + "(.)")
#: How each character that a number can begin with is spelled when it is marked.
_ESCAPES = {character: f"\\u{ord(character):04x}" for character in "-0123456789"}
# A quote before it is always the beginning of a text: inside a text, a quote is escaped and a digit never is.
_MARKED = re.compile(r'"\\u00(2d|3[0-9])')


#: Made once: `json.dumps` makes an encoder each time that it is asked for other than its usual.
_encode = json.JSONEncoder(allow_nan=False).encode


def dumps(value: Any) -> str:
    """Return the value as JSON text in ASCII. Raises ValueError for NaN and infinities."""
    if _is_plain(value):
        return _encode(value)
    return _WRITTEN.sub(lambda match: f'"{_ESCAPES[match[1]]}', json_text.dumps(_with_places(value)))


def loads(text: str) -> Any:
    """Return the value of a text that `dumps` wrote, or of any other JSON text."""
    if '"\\u00' not in text or not _MARKED.search(text):
        return json_text.loads(text)
    return _without_places(
        json_text.loads(_MARKED.sub(lambda match: f'"{_PLACE}{chr(int(match[1], 16))}', text))
    )


def _is_plain(value: Any) -> bool:
    """Whether Python's writer loses nothing of the value: it holds no NumberText and no ExactFloat."""
    waiting: list[Any] = [(value,)]
    while waiting:  # a loop: this runs over every result that is stored
        container = waiting.pop()
        for each in container.values() if isinstance(container, dict) else container:
            if type(each) in _LEAVES:
                continue
            if not isinstance(each, dict | list | tuple):
                return False
            waiting.append(each)
    return True


def _with_places(value: Any) -> Any:
    if isinstance(value, NumberText):
        return _PLACE + value
    if isinstance(value, dict):
        return {key: _with_places(each) for key, each in value.items()}
    return [_with_places(each) for each in value] if isinstance(value, list | tuple) else value


def _without_places(value: Any) -> Any:
    if isinstance(value, str):
        return NumberText(value[len(_PLACE) :]) if value.startswith(_PLACE) else value
    if isinstance(value, dict):
        return {key: _without_places(each) for key, each in value.items()}
    return [_without_places(each) for each in value] if isinstance(value, list) else value
