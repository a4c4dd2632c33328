"""The secret texts of an execution: the set only grows, and masks everything that is stored or shown.

`shorten` is the way to cut a text: it masks first, because a cut through a secret would leave its beginning.
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
        """Start with these texts."""
        self._texts: dict[str, None] = dict.fromkeys(text for text in texts if len(text) >= MIN_LENGTH)
        self._masker: Masker | None = None
        #: The last value and its masked copy: the assertions on one result ask for it again and again.
        self._hidden: tuple[Json, Json] = (None, None)

    @property
    def texts(self) -> tuple[str, ...]:
        """All secret texts."""
        return tuple(self._texts)

    @property
    def masker(self) -> Masker:
        """The masker of all secret texts."""
        if self._masker is None:
            self._masker = Masker(self._texts)
        return self._masker

    def add(self, texts: Iterable[str]) -> set[str]:
        """Add these texts, and return the new ones. Texts that are too short to search for are ignored."""
        new = {text for text in texts if len(text) >= MIN_LENGTH and text not in self._texts}
        if new:
            self._texts.update(dict.fromkeys(sorted(new)))
            self._masker, self._hidden = None, (None, None)
        return new

    def hide(self, value: Json) -> Json:
        """Return the value with the secrets masked; the value itself where it contains none."""
        if self._hidden[0] is not value or value is None:
            self._hidden = (value, self.masker.mask(value))
        return self._hidden[1]

    def hide_text(self, text: str) -> str:
        """Return the text with the secrets masked."""
        return self.masker.mask_text(text)

    def save(self) -> None:
        """Tell every process the added texts. Call it before sending or storing anything that may contain them.

        This class keeps them in memory only, so it does nothing.
        """


_in_use: ContextVar[KnownSecrets | None] = ContextVar("secrets_in_use", default=None)


@contextmanager
def hiding(secrets: KnownSecrets) -> Iterator[None]:
    """Make `shorten` and `hidden` mask these secrets inside the block, also those added meanwhile."""
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
    """Return the parser's reason, unless the text contains a secret: parsers repeat parts of what they read."""
    return (
        reason if hidden_text(text) == text else "the reason is not shown because the text contains a secret"
    )


def shorten(text: object, limit: int, end: str = "…") -> str:
    """Return the text with the secrets in use masked, then cut to `limit` characters; `end` marks the cut."""
    shown = hidden_text(str(text))
    return shown if len(shown) <= limit else shown[:limit] + end
