"""Durations as Prometheus and Loki write them: `30s`, `15m`, `1h30m`, `7d`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from steprunners.masking.known_secrets import shorten

#: The milliseconds of each unit; a year has 365 days, as in PromQL.
_UNITS = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_DURATION = re.compile("".join(rf"(?:(?P<{unit}>\d{{1,12}}){unit})?" for unit in _UNITS), re.ASCII)
_LONGEST_MS = 100 * _UNITS["y"]


def duration_ms(text: str) -> int:
    """Return the milliseconds that `text` spells; raise ValueError where it is not a duration, or out of range."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f"'{shorten(text, 40)}' is not a duration such as 30s, 15m, 1h30m or 7d")
    total = sum(int(number) * _UNITS[unit] for unit, number in match.groupdict(default="0").items())
    if not 0 < total <= _LONGEST_MS:
        raise ValueError("a duration must be longer than 0 and at most 100 years")
    return total


def _check(text: str) -> str:
    duration_ms(text)
    return text.strip()


#: A field that holds a duration as text.
Duration = Annotated[
    str, AfterValidator(_check), Field(max_length=40, json_schema_extra={"examples": ["15m"]})
]
