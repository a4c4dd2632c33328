"""Dates of cookies, in the forms that servers write."""

from __future__ import annotations

import pytest

from steprunners.network.cookies.dates import parse_date

IN_1994 = 784_111_777


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", IN_1994),
        ("Sunday, 06-Nov-94 08:49:37 GMT", IN_1994),
        ("Sun Nov  6 08:49:37 1994", IN_1994),
        ("06/nov/94 8:49:37", IN_1994),
        ("1994 november 6th 08:49:37x", IN_1994),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 01-Jan-70 00:00:01 GMT", 1),
        ("Tue, 01 Jan 69 00:00:00 GMT", 3_124_224_000),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ("Mon, 01 Jan 1601 00:00:00 GMT", -11_644_473_600),
        ("1 Jan 00 0:0:0", 946_684_800),
        ("Sat, 29 Feb 2020 12:00:00 GMT", 1_582_977_600),
        ("01 Jan 2020 00:00:00 +0200", 1_577_836_800),  # the zone says nothing: it is always UTC
    ],
)
def test_a_date(text: str, seconds: int) -> None:
    assert parse_date(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "tomorrow",
        "Sun, 06 Nov 1994",
        "06 Nov 1994 08:49",
        "Sun, 06 1994 08:49:37",
        "Sun, 31 Feb 2020 00:00:00 GMT",
        "Sun, 29 Feb 2021 00:00:00 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "06 Nov 1600 08:49:37",
        "06 Nov 19940 08:49:37",
        "06 Nov 1994 24:00:00",
        "06 Nov 1994 00:60:00",
        "06 Nov 1994 00:00:60",
        "06 Nov 1994 00:00:060",
        "06 Nov \u0661\u0669\u0669\u0664 08:49:37",
    ],
)
def test_no_date(text: str) -> None:
    assert parse_date(text) is None
