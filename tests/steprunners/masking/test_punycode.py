"""Host names in Punycode are found in a text and written as people write them."""

from __future__ import annotations

import pytest

from steprunners.masking.punycode import ENCODED_HOST, decoded_host


@pytest.mark.parametrize(
    ("host", "decoded"),
    [
        (b"xn--bcher-kva.example", "bücher.example"),
        (b"shop.XN--bcher-kva", "shop.bücher"),
        (b"plain.example", "plain.example"),
        (b"xn--" + b"a" * 80, "xn--" + "a" * 80),  # longer than any label
    ],
)
def test_labels_are_decoded(host: bytes, decoded: str) -> None:
    assert decoded_host(host).decode() == decoded


def test_encoded_hosts_are_found_in_a_text() -> None:
    text = b"at https://xn--bcher-kva.example/a and https://plain.example/"
    assert [match[0] for match in ENCODED_HOST.finditer(text)] == [b"xn--bcher-kva.example"]
