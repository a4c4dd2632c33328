"""How log lines look: one JSON object each (LOG_FORMAT=json), or text for people (line).

Both carry the facts of `log_context`, and both pass through its mask, message and stack trace alike. Nothing that users
or tested systems wrote can look like a line of its own, or steer the terminal of who reads it.
"""

from __future__ import annotations

import json
import logging
import os
import re
from datetime import UTC, datetime
from typing import Any

from telemetry.log_context import Facts, current

UNTOLD = "(a line that could not be masked was left out)"
#: Control characters but tab and line feed, and what some programs take for the end of a line.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class LineFormatter(logging.Formatter):
    """Text, with the facts in brackets at the end of the message's last line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without a stack trace."""
        facts = " ".join(f"{name}={value}" for name, value in current().values.items())
        return super().formatMessage(record) + (f" [{facts}]" if facts else "")

    def format(self, record: logging.LogRecord) -> str:
        """Return the whole text, masked; its second and further lines are indented."""
        return _visible(_masked(super().format(record), current())).replace("\n", "\n    ")


class JsonFormatter(logging.Formatter):
    """A JSON object in one line: time, level, logger, message, process, thread, the facts, and `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, masked."""
        facts = current()
        moment = datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": _masked(record.getMessage(), facts),
            "process": os.getpid(),
            "thread": record.threadName,
            **facts.values,
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = _masked(self.formatException(record.exc_info), facts)
        return _visible(json.dumps(line, ensure_ascii=False, default=str))


def _visible(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # as JSON writes them


def _masked(text: str, facts: Facts) -> str:
    if facts.mask is None:
        return text
    try:
        return facts.mask(text)
    except Exception:  # a line is worth less than a secret
        return UNTOLD
