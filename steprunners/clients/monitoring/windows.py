"""The span of time of a query: absolute, relative to now, or since the start of the execution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from steprunners.clients.monitoring.durations import Duration, duration_ms
from steprunners.config import Wire
from steprunners.errors import BadConfig

# A time in seconds, microseconds or nanoseconds would silently mean another century.
_EARLIEST_MS = 10**11  # 1973
_LATEST_MS = 10**14  # 5138


def _check_time(value: int) -> int:
    if not _EARLIEST_MS <= value < _LATEST_MS:
        raise ValueError("a time must be in milliseconds since 1970, such as 1767225600000")
    return value


#: Milliseconds since the epoch.
Time = Annotated[int, AfterValidator(_check_time)]


@dataclass(frozen=True)
class Span:
    """From `start_ms` to `end_ms`, in milliseconds since the epoch."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """The length of the span."""
        return self.end_ms - self.start_ms


class Times(Wire):
    """Absolute, relative, or (with neither) since the start of the execution."""

    start_time: Time | None = Field(None, description="Milliseconds since 1970.")
    end_time: Time | None = Field(None, description="Milliseconds since 1970; now if it is left out.")
    relative_time: Duration | None = Field(None, description="The most recent span of time, such as 15m.")

    @model_validator(mode="after")
    def _one_way(self) -> Times:
        if self.relative_time is not None and (self.start_time, self.end_time) != (None, None):
            raise ValueError("give either relativeTime, or startTime and endTime")
        return self


class Window(Times):
    """One window of a metric."""

    offset: Duration | None = Field(None, description="Moves the window into the past, such as 7d.")

    @model_validator(mode="after")
    def _movable(self) -> Window:
        if self.offset is not None and (self.start_time, self.end_time) != (None, None):
            raise ValueError(
                "offset goes with relativeTime only: startTime and endTime already place the window"
            )
        return self


def span_of(times: Times, *, began_ms: int, now_ms: int, place: str) -> Span:
    """Return the span; raise BadConfig, naming `place`, where it ends before it begins.

    `began_ms` is when the execution began.
    """
    shift = duration_ms(times.offset) if isinstance(times, Window) and times.offset else 0
    end_ms = now_ms if times.end_time is None else times.end_time
    if times.relative_time is not None:
        start_ms = end_ms - duration_ms(times.relative_time)
    else:
        start_ms = min(began_ms, end_ms) if times.start_time is None else times.start_time
    if start_ms > end_ms:
        raise BadConfig(f"{place}: startTime {start_ms} is after endTime {end_ms}")
    if start_ms - shift < 0:
        raise BadConfig(f"{place} begins before 1970")
    return Span(start_ms - shift, end_ms - shift)
