"""The text of headers."""

from __future__ import annotations

import pytest

from steprunners.network import header_text


@pytest.mark.parametrize(
    ("sent", "text"),
    [(b"plain", "plain"), ("Å東".encode(), "Å東"), (b"\xe5", "å"), (b"\xc3\xa4 \xe5", "Ã¤ å"), (b"", "")],
)
def test_utf8_or_else_latin_1(sent: bytes, text: str) -> None:
    assert header_text(sent.decode("latin-1")) == text


def test_text_that_never_was_bytes_stays() -> None:
    assert header_text("東") == "東"
