"""Nearest names, for messages such as "did you mean order_id?"."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

from steprunners.budgets.effort import check

# difflib compares letter by letter with every candidate, and candidates can be a document's keys.
MAX_CANDIDATES = 300
MAX_LENGTH = 80


def nearest(name: str, candidates: Iterable[str]) -> list[str]:
    """Return up to three of `candidates` that look like `name` in any case, the nearest first."""
    if not name or len(name) > MAX_LENGTH:
        return []
    check()
    usable = [each for each in islice(candidates, MAX_CANDIDATES) if len(each) <= MAX_LENGTH]
    by_folded = {each.casefold(): each for each in reversed(usable)}
    return [by_folded[each] for each in get_close_matches(name.casefold(), list(by_folded), n=3, cutoff=0.6)]


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return "; did you mean a or b?", or "" where no candidate is near.

    The name itself is not suggested: it exists, but is not allowed in this place.
    """
    names = [each for each in nearest(name, candidates) if each != name]
    return f"; did you mean {' or '.join(names)}?" if names else ""
