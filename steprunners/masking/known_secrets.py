"""The secret texts of an execution: they only grow, and everything that is stored or told is masked by all of them.

`shorten` is how a text is cut: masked first, for a cut through a secret would leave its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from steprunners.json_types import Json
from steprunners.masking.masker import Masker
from steprunners.masking.spellings import MIN_LENGTH


class KnownSecrets:
    """A growing set of secret texts, in the order in which they were found."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Begin with these."""
        self._texts: dict[str, None] = dict.fromkeys(text for text in texts if len(text) >= MIN_LENGTH)
        self._masker: Masker | None = None
        #: The value that was hidden last: assertions on one result ask again and again.
        self._hidden: tuple[Json, Json] = (None, None)

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._texts)

    @property
    def masker(self) -> Masker:
        """What masks all of them."""
        if self._masker is None:
            self._masker = Masker(self._texts)
        return self._masker

    def add(self, texts: Iterable[str]) -> set[str]:
        """Add these; returns those that are new. Texts that are too short to be found again are left out."""
        new = {text for text in texts if len(text) >= MIN_LENGTH and text not in self._texts}
        if new:
            self._texts.update(dict.fromkeys(sorted(new)))
            self._masker, self._hidden = None, (None, None)
        return new

    def hide(self, value: Json) -> Json:
        """Return the value with these masked; itself where it holds none of them."""
        if self._hidden[0] is not value or value is None:
            self._hidden = (value, self.masker.mask(value))
        return self._hidden[1]

    def hide_text(self, text: str) -> str:
        """Return the text with these masked."""
        return self.masker.mask_text(text)

    def save(self) -> None:
        """Have every process know those that were added: call it before something is sent or stored that may hold them.

        These are in memory alone, so there is nothing to be done.
        """


_in_use: ContextVar[KnownSecrets | None] = ContextVar("secrets_in_use", default=None)


@contextmanager
def hiding(secrets: KnownSecrets) -> Iterator[None]:
    """Have `shorten` and `hidden` mask these inside the block, and those that are added to them meanwhile."""
    token = _in_use.set(secrets)
    try:
        yield
    finally:
        _in_use.reset(token)


def hidden(value: Json) -> Json:
    """Return the value with the secrets in use masked."""
    secrets = _in_use.get()
    return value if secrets is None else secrets.hide(value)


def hidden_text(text: str) -> str:
    """Return the text with the secrets in use masked."""
    secrets = _in_use.get()
    return text if secrets is None else secrets.hide_text(text)


def reason_about(text: str, reason: str) -> str:
    """Return what a parser says of the text, unless that holds a secret: parsers repeat parts of what they read."""
    return (
        reason if hidden_text(text) == text else "the reason is not shown because the text contains a secret"
    )


def shorten(text: object, limit: int, end: str = "…") -> str:
    """Return the text with the secrets in use masked, then cut to `limit` characters; `end` says that it was cut."""
    shown = hidden_text(str(text))
    return shown if len(shown) <= limit else shown[:limit] + end
