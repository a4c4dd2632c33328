"""Which messages are looked for, and what is said of the others."""

from __future__ import annotations

from typing import Any

import pytest

from steprunners.clients.kafka.messages import Message
from steprunners.clients.kafka.subscribing.matching import Matcher
from steprunners.values import jsonpath
from steprunners.values.patterns import PatternError


def message(value: bytes | None = b"{}", key: bytes | None = None, *headers: Any) -> Message:
    return Message("t", 0, 0, 0, key, value, headers)


def reasons(one: Message, pattern: Any = None, key: Any = None, headers: Any = None) -> list[str]:
    return Matcher(pattern=pattern, key=key, headers=headers or {}).reasons(one)


@pytest.mark.parametrize(
    ("pattern", "value", "reason"),
    [
        (("exact", "ünï"), "an ünï".encode(), None),
        (("exact", "x"), b"y", 'its value does not contain "x"'),
        (("exact", "x"), None, "it is a tombstone: it has no value"),
        (("regex", "^a.c$"), b"abc", None),
        (("regex", "x+"), b"\xff", 'its value does not match "x+"'),
        (("regex", "x"), None, "it is a tombstone: it has no value"),
        (("jsonpath", "$.a"), b'{"a": null}', None),
        (("jsonpath", "$[?@.a == 'b']"), b'{"a": "\\u0062"}', None),
        (("jsonpath", "$[?@.a == 'b']"), b'{"a": "c"}', "$[?@.a == 'b'] selects nothing in its value"),
        (("jsonpath", "$.a"), b"no", "its value is not JSON"),
        (("jsonpath", "$.a"), None, "it is a tombstone: it has no value"),
    ],
)
def test_patterns(pattern: Any, value: bytes | None, reason: str | None) -> None:
    assert reasons(message(value), pattern) == ([] if reason is None else [reason])


def test_a_query_that_asks_too_much_of_a_document_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonpath, "MAX_NODES", 1_000)
    wide = message(b"[[" + b"1," * 50 + b"1]]")
    (reason,) = reasons(wide, ("jsonpath", "$[0][?count($..*) < 0]"))
    assert "visits more than 1000 nodes" in reason


@pytest.mark.parametrize(
    ("key", "sent", "reason"),
    [
        ("a", b"a", None),
        (5, b"5", None),
        ({"a": 1}, b'{"a":1}', None),
        ("a", b"b", 'its key is "b", not "a"'),
        ("a", None, 'its key is null, not "a"'),
    ],
)
def test_keys(key: Any, sent: bytes | None, reason: str | None) -> None:
    assert reasons(message(key=sent), key=key) == ([] if reason is None else [reason])


def test_headers() -> None:
    one = message(b"", None, ("kind", b"x"), ("kind", b"y"), ("empty", None))
    assert reasons(one, headers={"kind": "y", "empty": None}) == []
    assert reasons(one, headers={"kind": "z", "gone": "a", "empty": "e"}) == [
        'its header kind is "x" and "y", not "z"',
        "it has no header gone",
        'its header empty is null, not "e"',
    ]


def test_without_predicates_every_message_is_it() -> None:
    assert reasons(message(None)) == []


def test_a_pattern_that_is_none() -> None:
    with pytest.raises(PatternError):
        Matcher(pattern=("regex", "("), key=None, headers={})
