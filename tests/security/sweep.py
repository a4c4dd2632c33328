"""One search for all secrets in everything that was collected: it decodes nothing, and knows every spelling."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np

from tests.security.secrets import Canary
from tests.security.spellings import seen_of

_HEAD = 8
_BITS = 22
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_SHORT = 16
#: So often a secret is told of one place, so far apart.
_MOST_TOLD, _FAR = 3, 400


def found(canaries: Iterable[Canary], places: Mapping[str, bytes | str]) -> list[str]:
    """Return where which secret is seen, with what stands around it: nothing, where all is masked."""
    net = _net_of(tuple(canaries))
    told = []
    for place, text in places.items():
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        told += [f"{name} in {place}, {around}" for name, around in net.caught(raw)]
    return told


class Net:
    """The pieces of the secrets in every spelling.

    Most bytes of a haystack are passed over at once: a table says for every eight of them whether a piece may
    begin there, so that megabytes take no longer than a few milliseconds each.
    """

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._pieces: dict[bytes, dict[tuple[bytes, str], str]] = defaultdict(dict)
        self._short: dict[bytes, tuple[str, str]] = {}
        for canary in canaries:
            broken = min(map(len, canary.texts)) <= _SHORT
            for fragment in canary.fragments():
                for how, text in seen_of(fragment, broken=broken):
                    self._add(text.encode("utf-8", "surrogatepass"), canary.name, how)
        self._table = np.zeros(1 << _BITS, dtype=np.bool_)
        if self._pieces:
            self._table[_places(np.frombuffer(b"".join(self._pieces), dtype="<u8"))] = True

    def _add(self, piece: bytes, name: str, how: str) -> None:
        if len(piece) < _HEAD:
            self._short[piece] = (name, how)
        else:
            self._pieces[piece[:_HEAD]].setdefault((piece, name), how)

    def caught(self, raw: bytes) -> list[tuple[str, str]]:
        """Return the secrets that are seen, each a few times: (name, how and what stands around it)."""
        seen: dict[str, list[int]] = defaultdict(list)
        told = []
        for at, name, how in [*self._short_ones(raw), *self._long_ones(raw)]:
            places = seen[name]
            # The next pieces of what was just told are no news.
            if len(places) < _MOST_TOLD and not (places and at < places[-1] + _FAR):
                around = raw[max(0, at - 90) : at + 50].decode("utf-8", "replace")
                told.append((name, f"{how}: …{around!r}…"))
                places.append(at)
        return told

    def _short_ones(self, raw: bytes) -> Iterable[tuple[int, str, str]]:
        return [(at, *names) for piece, names in self._short.items() if (at := raw.find(piece)) >= 0]

    def _long_ones(self, raw: bytes) -> Iterable[tuple[int, str, str]]:
        if len(raw) < _HEAD:
            return
        heads: np.ndarray[tuple[int], np.dtype[np.uint64]] = np.ndarray(
            (len(raw) - _HEAD + 1,), dtype="<u8", buffer=raw, strides=(1,)
        )
        for at in np.flatnonzero(self._table[_places(heads)]).tolist():
            for (piece, name), how in self._pieces.get(raw[at : at + _HEAD], {}).items():
                if raw.startswith(piece, at):
                    yield at, name, how


def _places(
    heads: np.ndarray[tuple[int], np.dtype[np.uint64]],
) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    with np.errstate(over="ignore"):
        return (heads * _SPREAD) >> np.uint64(64 - _BITS)


@lru_cache(maxsize=64)
def _net_of(canaries: tuple[Canary, ...]) -> Net:
    return Net(canaries)
