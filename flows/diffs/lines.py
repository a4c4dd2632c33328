"""The unified diff of two texts, whose cost has a bound: `difflib` alone takes minutes for lines that repeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import Match, SequenceMatcher
from itertools import takewhile

from steprunners.budgets.effort import check

#: Parts of more lines (those of one times those of the other) are not compared: all of them count as changed.
MAX_PAIRS = 1_000_000_000
_CONTEXT = 3


class _Lines(SequenceMatcher[str]):
    """Matches lines: what both begin and end with at once, the rest as `difflib` does."""

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        super().__init__(None, old, new)
        self._old, self._new = old, new

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> Match:
        """Return a longest match; counts as work (`effort`)."""
        check()
        ahi = len(self._old) if ahi is None else ahi
        bhi = len(self._new) if bhi is None else bhi
        same = _count_same(self._old, self._new, zip(range(alo, ahi), range(blo, bhi), strict=False))
        if same:
            return Match(alo, blo, same)
        backwards = zip(range(ahi - 1, alo - 1, -1), range(bhi - 1, blo - 1, -1), strict=False)
        same = _count_same(self._old, self._new, backwards)
        if same:
            return Match(ahi - same, bhi - same, same)
        if (ahi - alo) * (bhi - blo) > MAX_PAIRS:
            return Match(alo, blo, 0)
        return super().find_longest_match(alo, ahi, blo, bhi)


def _count_same(old: Sequence[str], new: Sequence[str], pairs: Iterator[tuple[int, int]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: old[pair[0]] == new[pair[1]], pairs))


def unified_diff(old: Sequence[str], new: Sequence[str], old_name: str, new_name: str) -> str:
    """Return the diff of the lines, which keep their ends, or nothing where they are the same."""
    groups = list(_Lines(old, new).get_grouped_opcodes(_CONTEXT))
    head = f"--- {old_name}\n+++ {new_name}\n" if groups else ""
    return head + "".join(line for group in groups for line in _hunk(group, old, new))


def _hunk(
    group: Sequence[tuple[str, int, int, int, int]], old: Sequence[str], new: Sequence[str]
) -> Iterator[str]:
    first, last = group[0], group[-1]
    yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n"
    for tag, old_from, old_to, new_from, new_to in group:
        if tag == "equal":
            yield from (f" {line}" for line in old[old_from:old_to])
            continue
        yield from (f"-{line}" for line in old[old_from:old_to])
        yield from (f"+{line}" for line in new[new_from:new_to])


def _range(begin: int, end: int) -> str:
    """Return a range of lines as unified diffs have it: `3,4`, `3` for one line; an empty one begins before."""
    count = end - begin
    if count == 1:
        return str(begin + 1)
    return f"{begin + 1 if count else begin},{count}"
