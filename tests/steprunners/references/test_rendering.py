"""Limits of rendering."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest

from steprunners.references.rendering import MAX_QUERY, MAX_TEXT, MAX_URL
from steprunners.references.resolution import Grammar, Scope, UnsafeValue, resolve


@pytest.mark.parametrize(
    ("grammar", "limit"),
    [
        (Grammar.PLAIN, MAX_TEXT),
        (Grammar.HEADER, MAX_TEXT),
        (Grammar.URL, MAX_URL),
        (Grammar.LABEL, MAX_QUERY),
    ],
)
def test_a_text_has_an_end(grammar: Any, limit: Any) -> None:
    scope = Scope(variables={"x": "a" * (limit // 2)})
    with pytest.raises(UnsafeValue, match="longer than"):
        resolve("/${x}${x}${x}", scope, lambda _path, _value: grammar)


@pytest.mark.parametrize("grammar", list(Grammar))
def test_many_references_in_one_text_cost_little(grammar: Any) -> None:
    started = time.monotonic()
    with suppress(UnsafeValue):  # sql takes none
        resolve("/" + "${x}" * 1_000, Scope(variables={"x": "abc"}), lambda _path, _value: grammar)
    assert time.monotonic() - started < 30
