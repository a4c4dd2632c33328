"""The dates of `Expires`, in every form that servers write (RFC 6265, section 5.1.1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DELIMITERS = re.compile(r"[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY = re.compile(r"([0-9]{1,2})(?![0-9])")
_YEAR = re.compile(r"([0-9]{2,4})(?![0-9])")
_MONTH = re.compile(r"(?i)(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

#: The parts of a date in the order in which a token is tried for them. Each is taken once.
_PARTS = {"time": _TIME, "day": _DAY, "month": _MONTH, "year": _YEAR}


def parse_date(text: str) -> int | None:
    """Return the date in seconds since the epoch; None where the text is no date."""
    found: dict[str, tuple[str, ...]] = {}
    for token in _DELIMITERS.split(text):
        for part, pattern in _PARTS.items():
            if part not in found and (match := pattern.match(token)):
                found[part] = match.groups()
                break
    return _seconds(found) if len(found) == len(_PARTS) else None


def _seconds(found: dict[str, tuple[str, ...]]) -> int | None:
    hour, minute, second = map(int, found["time"])
    month = _MONTHS.index(found["month"][0].lower()) + 1
    year = _whole_year(int(found["year"][0]))
    if year < 1601:
        return None
    try:
        moment = datetime(year, month, int(found["day"][0]), hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp())


def _whole_year(year: int) -> int:
    if 70 <= year <= 99:
        return year + 1900
    return year + 2000 if year <= 69 else year
