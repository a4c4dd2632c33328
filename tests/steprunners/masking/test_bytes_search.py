"""Searching bytes: overlapping matches are all found, and any text can be searched."""

from __future__ import annotations

import re2

from steprunners.masking.bytes_search import byte_options, bytes_of, matches


def test_overlapping_matches_are_all_found() -> None:
    expression = re2.compile(rb"aba", byte_options())
    assert list(matches(expression, b"xababax")) == [(1, 4), (3, 6)]


def test_half_a_surrogate_pair_can_be_searched() -> None:
    raw = bytes_of("a\ud800b")
    assert [raw[start:end] for start, end in matches(re2.compile(rb"b", byte_options()), raw)] == [b"b"]
