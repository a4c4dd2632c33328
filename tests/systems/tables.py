"""What the user reads of a step, and the tables of docs/failures.md and docs/hostile-inputs.md."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from executions.models import ExecutionStep

_CHANGING = [
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"orders-[0-9a-f]{32}", "orders"),
    (r"tea-\w{12}", "tea"),
]


def told(step: ExecutionStep) -> str:
    """Return what the user reads of the step: its error, or the assertions that failed."""
    if step.error:
        return str(step.error["message"])
    return "; ".join(each["message"] for each in step.assertions if not each["passed"])


def write_table(variable: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a Markdown table to the file that the environment variable names, where it names one."""
    path = os.environ.get(variable)
    if path is None:
        return
    lines = [heads, ["---"] * len(heads), *([_cell(each) for each in row] for row in rows)]
    Path(path).write_text("".join(f"| {' | '.join(line)} |\n" for line in lines))


def _cell(text: str) -> str:
    for changing, name in _CHANGING:
        text = re.sub(changing, name, text)
    text = text.encode("utf-8", "backslashreplace").decode().replace("|", "\\|")
    return "".join(character if character.isprintable() else " " for character in text)
